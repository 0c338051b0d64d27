# SPDX-License-Identifier: GPL-3.0-or-later
# make all|demo|check|bench|lint|fuzz|install|uninstall|clean   SAN=address,undefined|thread  V=1  CC=clang  WERROR=1

B ?= build
CC = gcc
PREFIX ?= /usr/local
DESTDIR ?=
ISAL ?= $(shell pkg-config --exists libisal && echo 1)

PACKAGES = zlib libdeflate libzstd liblzma liblz4 libarchive libxml-2.0 ext2fs com_err libvhdi \
	jansson libcrypto libxxhash $(if $(ISAL),libisal)
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wvla -Wcast-qual \
	-Wformat=2 -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
OPT ?= -O2 -g
CFLAGS += -std=gnu11 $(OPT) $(WARNINGS) $(SANFLAGS) -pthread
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibimg -I. $(if $(ISAL),-DHAVE_ISAL) \
	$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
LDLIBS += $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lbz2 -lm
LDFLAGS += $(SANFLAGS) -pthread

Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)";)

LIB_SRC = $(sort $(wildcard libimg/*/*.c formats/*.c))
TOOL_SRC = $(sort $(wildcard tools/*.c))
UNIT_SRC = $(sort $(wildcard tests/unit/test_*.c))
LIB_OBJ = $(LIB_SRC:%.c=$B/%.o)
TOOL_OBJ = $(TOOL_SRC:%.c=$B/%.o)
UNIT_BIN = $(UNIT_SRC:%.c=$B/%)

.PHONY: all unit demo check bench lint fuzz install uninstall clean force
.DELETE_ON_ERROR:
.SECONDARY:

all: $B/hvimg

# Rebuilds everything when compiler or flags differ from the last run.
FLAGS = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)
$B/flags: force
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$B/libimg.a: $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$B/hvimg: $(TOOL_OBJ) $B/libimg.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$B/tests/unit/%: $B/tests/unit/%.o $B/libimg.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

unit: $(UNIT_BIN)
	$(Q)B=$B tests/unit/run $(UNIT_BIN)

clean:
	rm -rf $B

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(UNIT_BIN:%=%.d)
