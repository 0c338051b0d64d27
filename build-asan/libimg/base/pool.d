build-asan/libimg/base/pool.o: libimg/base/pool.c libimg/base/pool.h \
 libimg/base/error.h
libimg/base/pool.h:
libimg/base/error.h:
