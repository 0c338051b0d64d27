build-asan/libimg/disk/disk.o: libimg/disk/disk.c libimg/disk/disk.h \
 libimg/base/error.h libimg/base/checked.h
libimg/disk/disk.h:
libimg/base/error.h:
libimg/base/checked.h:
