build-tsan/tests/unit/test_base.o: tests/unit/test_base.c \
 libimg/base/buffer.h libimg/base/error.h libimg/base/bytes.h \
 libimg/base/checked.h libimg/base/crc.h libimg/base/digest.h \
 libimg/base/guid.h libimg/base/report.h libimg/base/size.h \
 libimg/base/strings.h libimg/base/zero.h
libimg/base/buffer.h:
libimg/base/error.h:
libimg/base/bytes.h:
libimg/base/checked.h:
libimg/base/crc.h:
libimg/base/digest.h:
libimg/base/guid.h:
libimg/base/report.h:
libimg/base/size.h:
libimg/base/strings.h:
libimg/base/zero.h:
