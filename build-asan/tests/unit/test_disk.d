build-asan/tests/unit/test_disk.o: tests/unit/test_disk.c \
 libimg/disk/convert.h libimg/disk/format.h libimg/base/digest.h \
 libimg/base/error.h libimg/base/guid.h libimg/base/report.h \
 libimg/base/strings.h libimg/disk/disk.h libimg/disk/output.h \
 libimg/disk/host_file.h libimg/disk/memory.h libimg/disk/overlay.h \
 libimg/disk/slice.h
libimg/disk/convert.h:
libimg/disk/format.h:
libimg/base/digest.h:
libimg/base/error.h:
libimg/base/guid.h:
libimg/base/report.h:
libimg/base/strings.h:
libimg/disk/disk.h:
libimg/disk/output.h:
libimg/disk/host_file.h:
libimg/disk/memory.h:
libimg/disk/overlay.h:
libimg/disk/slice.h:
