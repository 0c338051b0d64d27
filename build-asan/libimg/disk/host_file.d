build-asan/libimg/disk/host_file.o: libimg/disk/host_file.c \
 libimg/disk/host_file.h libimg/disk/disk.h libimg/base/error.h
libimg/disk/host_file.h:
libimg/disk/disk.h:
libimg/base/error.h:
