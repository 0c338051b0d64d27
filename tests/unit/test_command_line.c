/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of kernel command lines, and where files keep them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/linux_arguments_scan.h"
#include "guest/linux_command_line.h"

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* "+name=value" adds, "=name=value" sets, "-name" removes; blanks between. */
static void wanted_read(const char *words, struct target_argument *a, struct argument_list *out)
{
	struct strings list = { 0 };
	struct target target = { .argument = a };
	const struct target_list targets = { .target = &target, .count = 1 };

	assert_int_equal(strings_split(&list, words, " ", NULL), 0);
	for (size_t i = 0; i < list.count; i++) {
		char *word = list.item[i], *value = strchr(word + 1, '=');

		a[i].action = *word == '+' ? ARGUMENT_ADD
			: *word == '='     ? ARGUMENT_SET
					   : ARGUMENT_REMOVE;
		a[i].name = value ? strndup(word + 1, (size_t)(value - word - 1))
				  : strdup(word + 1);
		a[i].value = value ? strdup(value + 1) : NULL;
	}
	target.argument_count = list.count;
	assert_int_equal(arguments_merge(&targets, out, NULL), 0);
	strings_free(&list);
}

static void edits_beside(
	const char *before, const char *context, const char *words, const char *after)
{
	struct target_argument a[8] = { 0 };
	struct argument_list wanted;
	struct command_line line = { .text = before, .len = strlen(before), .context = context };
	struct buffer out = { 0 };
	struct strings lacking = { 0 };

	wanted_read(words, a, &wanted);
	assert_int_equal(command_line_edit(&line, &wanted, &out, NULL), 0);
	assert_string_equal(buffer_text(&out), after);
	/* What was edited lacks nothing, and is left alone the next time. */
	line.text = buffer_text(&out);
	line.len = out.len;
	assert_int_equal(command_line_lacks(&line, &wanted, &lacking, NULL), 0);
	assert_int_equal(lacking.count, 0);
	buffer_free(&out);
	for (size_t i = 0; i < 8; i++) {
		free(a[i].name);
		free(a[i].value);
	}
}

static void edits(const char *before, const char *words, const char *after)
{
	edits_beside(before, NULL, words, after);
}

static void test_add(void **state)
{
	(void)state;
	edits("root=x ro", "+a=1", "root=x ro a=1");
	edits("", "+a=1", "a=1");
	edits("root=x a=1 ro", "+a=1", "root=x a=1 ro");
	edits("root=x a=2 ro", "+a=1", "root=x a=1 a=2 ro");
	edits("root=x  a=10\tro", "+a=1", "root=x a=1  a=10\tro");
	edits("root=x aa=1", "+a=1", "root=x aa=1 a=1");
	edits("o=\"a b a=1\" ro", "+a=1", "o=\"a b a=1\" ro a=1");
	edits("root=x -- a=1 b", "+c", "root=x c -- a=1 b");
	edits("root=x --- quiet", "+c", "root=x c --- quiet");
	edits("root=x -- a=1", "+a=1 -quiet", "root=x a=1 -- a=1");
	edits_beside("root=x", "a=1 ro", "+a=1", "root=x");
}

/* The last console is /dev/console, and stays it. */
static void test_console(void **state)
{
	(void)state;
	edits("ro quiet", "+console=ttyS0,115200n8",
		"ro quiet console=ttyS0,115200n8 console=tty0");
	edits("ro console=ttyS0", "+console=ttyS0,115200n8", "ro console=ttyS0");
	edits("ro console=tty1", "+console=ttyS0,115200n8",
		"ro console=ttyS0,115200n8 console=tty1");
	edits("ro console=hvc0 quiet", "+console=ttyS0", "ro console=ttyS0 console=hvc0 quiet");
	edits("ro", "+console=tty1 +console=ttyS0,115200n8",
		"ro console=tty1 console=ttyS0,115200n8");
	edits("console=ttyS0,9600 ro", "+console=tty1 +console=ttyS0,115200n8",
		"console=tty1 console=ttyS0,9600 ro");
	edits("console=tty0 console=ttyS0", "+console=tty1 +console=ttyS0,115200n8",
		"console=tty0 console=ttyS0");
	edits_beside("ro", "console=hvc0", "+console=ttyS0", "ro console=ttyS0");
}

static void test_set_and_remove(void **state)
{
	(void)state;
	edits("ro", "=a=1", "ro a=1");
	edits("a=2 ro a=3 b", "=a=1", "a=1 ro b");
	edits("a=1 ro", "=a=1", "a=1 ro");
	edits("ro quiet rhgb", "-quiet", "ro rhgb");
	edits("ro a=1 a=2", "-a=1", "ro a=2");
	edits("ro a=1 b a=2", "-a", "ro b");
	edits("a=1", "-a", "");
	/* What one target needs no other takes away. */
	edits("ro", "+a=1 -a=1", "ro a=1");
	edits("ro", "=a=1 =a=2", "ro a=1");
}

static void finds(enum argument_syntax syntax, const char *file, const char *lines)
{
	static struct argument_lines l;
	struct buffer all = { 0 };

	l = (struct argument_lines){ 0 };
	assert_int_equal(arguments_scan(syntax, file, &l, NULL), 0);
	for (size_t i = 0; i < l.count; i++)
		assert_int_equal(buffer_format(&all, NULL, "%.*s|", (int)l.line[i].len,
					 file + l.line[i].start),
			0);
	assert_string_equal(buffer_text(&all), lines);
	buffer_free(&all);
	buffer_free(&l.context);
}

static void test_scan(void **state)
{
	(void)state;
	finds(SYNTAX_GRUB,
		"menuentry 'a' {\n\tlinux\t/boot/vmlinuz-6.1 root=UUID=1 ro quiet \n"
		"\tinitrd /boot/initrd\n}\nlinux16 /boot/memtest86+.bin console=ttyS0\n"
		"  linuxefi ($root)/vmlinuz ro\r\n# linux /vmlinuz x\nlinux /vmlinuz a \\\n b\n"
		"kernel /xen.gz dom0_mem=1G\nmodule /vmlinuz-6 root=x\n"
		"\tkernel (hd0,0)/vmlinuz-2.6 ro\nlinux /boot/x root=y\nlinux",
		"/boot/vmlinuz-6.1 root=UUID=1 ro quiet|($root)/vmlinuz ro|"
		"(hd0,0)/vmlinuz-2.6 ro|/boot/x root=y|");
	finds(SYNTAX_ENTRY, "title x\nlinux /a\noptions root=1 a\noptions b c\n", "options b c|");
	finds(SYNTAX_PLAIN, "# x\nroot=1 ro\n", "root=1 ro|");
	finds(SYNTAX_EXTLINUX,
		"LABEL a\n  KERNEL vmlinuz\n  APPEND root=/dev/x ro\nLABEL m\n APPEND -\n",
		"APPEND root=/dev/x ro|");
	finds(SYNTAX_GRUBENV, "# GRUB Environment Block\nsaved_entry=1\nkernelopts=root=1 ro \n##",
		"root=1 ro|");
	finds(SYNTAX_EXTLINUX_CONF, "x=1\ndefault_kernel_opts=\"quiet a\"\n", "quiet a|");
	finds(SYNTAX_EXTLINUX_CONF, "default_kernel_opts=\"a\" # \"b\"\ndefault_kernel_opts=\"",
		"");
}

static void test_find(void **state)
{
	const char *words = "ro ds=nocloud;s=/x ads=1 ds=";
	struct strings found = { 0 };

	(void)state;
	assert_int_equal(
		command_line_find(&(struct command_line){ .text = words, .len = strlen(words) },
			"ds=", &found, NULL),
		0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.item[0], "nocloud;s=/x");
	strings_free(&found);
}

static void test_merge_limit(void **state)
{
	static struct target_argument a[ARGUMENT_LIMIT + 1];
	static char names[ARGUMENT_LIMIT + 1][8];
	struct target target = { .argument = a, .argument_count = ARGUMENT_LIMIT + 1 };
	struct argument_list out;

	(void)state;
	for (size_t i = 0; i <= ARGUMENT_LIMIT; i++) {
		snprintf(names[i], sizeof(names[i]), "a%zu", i);
		a[i] = (struct target_argument){ .name = names[i], .value = text("1") };
	}
	assert_int_equal(
		arguments_merge(&(struct target_list){ .target = &target, .count = 1 }, &out, NULL),
		-ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_set_and_remove),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_merge_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
