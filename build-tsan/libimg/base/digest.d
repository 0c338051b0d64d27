build-tsan/libimg/base/digest.o: libimg/base/digest.c \
 libimg/base/digest.h libimg/base/error.h
libimg/base/digest.h:
libimg/base/error.h:
