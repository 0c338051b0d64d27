build-tsan/libimg/base/report.o: libimg/base/report.c \
 libimg/base/report.h libimg/base/error.h
libimg/base/report.h:
libimg/base/error.h:
