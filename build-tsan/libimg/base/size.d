build-tsan/libimg/base/size.o: libimg/base/size.c libimg/base/size.h \
 libimg/base/error.h libimg/base/checked.h
libimg/base/size.h:
libimg/base/error.h:
libimg/base/checked.h:
