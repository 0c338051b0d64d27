build-tsan/libimg/base/error.o: libimg/base/error.c libimg/base/error.h
libimg/base/error.h:
