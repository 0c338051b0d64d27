build-tsan/libimg/disk/slice.o: libimg/disk/slice.c libimg/disk/slice.h \
 libimg/disk/disk.h libimg/base/error.h libimg/base/checked.h
libimg/disk/slice.h:
libimg/disk/disk.h:
libimg/base/error.h:
libimg/base/checked.h:
