build-asan/libimg/disk/memory.o: libimg/disk/memory.c \
 libimg/disk/memory.h libimg/disk/disk.h libimg/base/error.h
libimg/disk/memory.h:
libimg/disk/disk.h:
libimg/base/error.h:
