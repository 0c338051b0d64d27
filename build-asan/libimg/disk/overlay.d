build-asan/libimg/disk/overlay.o: libimg/disk/overlay.c \
 libimg/disk/overlay.h libimg/disk/disk.h libimg/base/error.h \
 libimg/base/checked.h
libimg/disk/overlay.h:
libimg/disk/disk.h:
libimg/base/error.h:
libimg/base/checked.h:
