build-tsan/libimg/base/strings.o: libimg/base/strings.c \
 libimg/base/strings.h libimg/base/error.h
libimg/base/strings.h:
libimg/base/error.h:
