build-tsan/libimg/base/guid.o: libimg/base/guid.c libimg/base/guid.h \
 libimg/base/digest.h libimg/base/error.h
libimg/base/guid.h:
libimg/base/digest.h:
libimg/base/error.h:
