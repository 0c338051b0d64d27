build-asan/libimg/disk/output.o: libimg/disk/output.c \
 libimg/disk/output.h libimg/base/error.h
libimg/disk/output.h:
libimg/base/error.h:
