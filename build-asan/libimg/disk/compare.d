build-asan/libimg/disk/compare.o: libimg/disk/compare.c \
 libimg/base/checked.h libimg/base/pool.h libimg/base/error.h \
 libimg/base/zero.h libimg/disk/convert.h libimg/disk/format.h \
 libimg/base/digest.h libimg/base/guid.h libimg/base/report.h \
 libimg/base/strings.h libimg/disk/disk.h libimg/disk/output.h
libimg/base/checked.h:
libimg/base/pool.h:
libimg/base/error.h:
libimg/base/zero.h:
libimg/disk/convert.h:
libimg/disk/format.h:
libimg/base/digest.h:
libimg/base/guid.h:
libimg/base/report.h:
libimg/base/strings.h:
libimg/disk/disk.h:
libimg/disk/output.h:
