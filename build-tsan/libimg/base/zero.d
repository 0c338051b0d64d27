build-tsan/libimg/base/zero.o: libimg/base/zero.c libimg/base/zero.h
libimg/base/zero.h:
