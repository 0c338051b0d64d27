# SPDX-License-Identifier: GPL-3.0-or-later
# make all|demo|check|bench|lint|fuzz|install|uninstall|clean   SAN=address,undefined|thread  V=1  CC=clang  WERROR=1

B ?= build
CC = gcc
PREFIX ?= /usr/local
DESTDIR ?=
ISAL ?= $(shell pkg-config --exists libisal && echo 1)

PACKAGES = zlib libdeflate libzstd liblzma liblz4 libarchive libxml-2.0 ext2fs com_err libvhdi \
	libntfs-3g jansson yaml-0.1 libcurl sqlite3 libcrypto libxxhash $(if $(ISAL),libisal)
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wvla -Wcast-qual \
	-Wformat=2 -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
OPT ?= -O2 -g
CFLAGS += -std=gnu11 $(OPT) $(WARNINGS) $(SANFLAGS) -pthread
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibimg -I. $(if $(ISAL),-DHAVE_ISAL) \
	$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
LDLIBS += $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lbz2 -lwim -lm
LDFLAGS += $(SANFLAGS) -pthread

Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)";)

LIB_SRC = $(sort $(wildcard libimg/*/*.c formats/*.c))
TOOL_SRC = $(sort $(wildcard tools/*.c))
UNIT_SRC = $(sort $(wildcard tests/unit/test_*.c))
LIB_OBJ = $(LIB_SRC:%.c=$B/%.o)
TOOL_OBJ = $(TOOL_SRC:%.c=$B/%.o)
UNIT_BIN = $(UNIT_SRC:%.c=$B/%)

.PHONY: all unit demo check bench lint syntax fuzz fuzz-unit man install uninstall clean force
.DELETE_ON_ERROR:
.SECONDARY:

all: $B/hvimg

# Rebuilds everything when compiler or flags differ from the last run.
quote = '$(subst ','\'',$(1))'
FLAGS = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)
$B/flags: force
	@mkdir -p $(@D)
	@echo $(call quote,$(FLAGS)) | cmp -s - $@ || echo $(call quote,$(FLAGS)) >$@

# Only this file knows where the program will be installed.
$B/prefix: force
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@
$B/tools/host.o: $B/prefix
$B/tools/host.o: private CPPFLAGS += -DDATADIR='"$(PREFIX)/share/hvimg"'

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

demo:
	scripts/setup
	$(MAKE) -j"$$(nproc)" all
	scripts/demo

check:
	scripts/setup
	$(MAKE) -j"$$(nproc)" all $(UNIT_BIN)
	B=$B tests/run

lint:
	scripts/lint

# What this compiler warns of; it makes nothing.
syntax:
	$(Q)printf '%s\n' $(LIB_SRC) $(TOOL_SRC) $(UNIT_SRC) | \
		xargs -P "$$(nproc)" -n 16 $(CC) $(CPPFLAGS) -DDATADIR='""' $(CFLAGS) -fsyntax-only

bench: all
	scripts/bench

# Short runs of every fuzz target; FUZZ_SECONDS=600 for a long one.
FUZZ_SECONDS ?= 10
# The same sequence each time, so that a failure belongs to a change; another number finds other things.
FUZZ_SEED ?= 1
FUZZ = $(MAKE) B=build-fuzz CC=clang SAN=address,undefined OPT='-O1 -g -fsanitize=fuzzer-no-link'
fuzz: all
	$(Q)HVIMG=$B/hvimg scripts/fuzz-seeds build-fuzz/seeds/fuzz_image
	$(Q)scripts/fuzz-seeds-fs build-fuzz/seeds/fuzz_fs
	$(Q)scripts/fuzz-seeds-volume build-fuzz/seeds/fuzz_volume
	$(Q)scripts/fuzz-seeds-wof build-fuzz/seeds/fuzz_wof
	$(Q)scripts/fuzz-seeds-ntfs build-fuzz/ntfs build-fuzz/seeds/fuzz_ntfs
	$(Q)scripts/fuzz-seeds-hive build-fuzz/seeds/fuzz_hive
	$(Q)scripts/fuzz-seeds-inf build-fuzz/seeds/fuzz_inf
	+$(Q)$(FUZZ) $(patsubst tests/fuzz/%.c,run-%,$(wildcard tests/fuzz/fuzz_*.c))

# The unit tests with sanitizers, of the tree that the fuzz targets need as well.
fuzz-unit:
	+$(Q)$(FUZZ) unit

$B/fuzz_%: tests/fuzz/fuzz_%.c $B/libimg.a
	$(call say,LD,$@)$(CC) $(CPPFLAGS) -std=gnu11 -g -O1 -fsanitize=fuzzer,$(SAN) -o $@ $^ $(LDLIBS) -pthread

run-fuzz_%: $B/fuzz_%
	@mkdir -p $B/corpus/fuzz_$* $B/seeds/fuzz_$*
	@echo "fuzz fuzz_$* for $(FUZZ_SECONDS) s"
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -seed=$(FUZZ_SEED) -max_len=262144 -rss_limit_mb=1024 -timeout=20 \
		-artifact_prefix=$B/ -verbosity=0 -print_final_stats=0 $B/corpus/fuzz_$* $B/seeds/fuzz_$*

# One man page a command, from the same option tables as the parser and --help.
COMMANDS = $(shell $B/hvimg --commands)
man: all
	$(Q)mkdir -p $B/man
	$(Q)$B/hvimg --man >$B/man/hvimg.1
	$(Q)for c in $(COMMANDS); do $B/hvimg $$c --man >$B/man/hvimg-$$c.1; done
	$(Q)$B/hvimg --completion >$B/hvimg.bash

install: man
	install -Dm755 $B/hvimg $(DESTDIR)$(PREFIX)/bin/hvimg
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/hvimg
	install -m644 $B/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	cp -R recipes $(DESTDIR)$(PREFIX)/share/hvimg/
	install -Dm644 $B/hvimg.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hvimg

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/hvimg $(DESTDIR)$(PREFIX)/share/man/man1/hvimg*.1
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hvimg
	rm -rf $(DESTDIR)$(PREFIX)/share/hvimg

clean:
	rm -rf build build-*

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(UNIT_BIN:%=%.d)
