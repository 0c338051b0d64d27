build-asan/libimg/base/crc.o: libimg/base/crc.c libimg/base/crc.h
libimg/base/crc.h:
