build-asan/libimg/base/buffer.o: libimg/base/buffer.c \
 libimg/base/buffer.h libimg/base/error.h
libimg/base/buffer.h:
libimg/base/error.h:
