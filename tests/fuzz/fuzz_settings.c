/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts of a guest's settings: command lines where files keep them, units, cloud-init's lists.  An
 * edited command line has what was wanted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_arguments_scan.h"
#include "guest/linux_cloud_yaml.h"
#include "guest/linux_command_line.h"
#include "guest/linux_unit_install.h"

static struct target_argument argument[] = {
	{ ARGUMENT_ADD, (char *)(uintptr_t) "console", (char *)(uintptr_t) "ttyS0,115200n8" },
	{ ARGUMENT_SET, (char *)(uintptr_t) "a", (char *)(uintptr_t) "1" },
	{ ARGUMENT_REMOVE, (char *)(uintptr_t) "quiet", NULL },
};

static void edit(const char *text, size_t len, const char *context)
{
	struct target target = { .argument = argument, .argument_count = 3 };
	const struct target_list targets = { .target = &target, .count = 1 };
	struct command_line line = { .text = text, .len = len, .context = context };
	struct argument_list wanted;
	struct buffer out = { 0 };
	struct strings lacking = { 0 };

	if (arguments_merge(&targets, &wanted, NULL) ||
		command_line_edit(&line, &wanted, &out, NULL))
		abort();
	line.text = buffer_text(&out);
	line.len = out.len;
	if (command_line_lacks(&line, &wanted, &lacking, NULL))
		abort();
	/* What is elsewhere is not edited, and a quote that is not closed swallows what is added.
	 */
	if (lacking.count && !context && !memchr(text, '"', len))
		abort();
	strings_free(&lacking);
	buffer_free(&out);
}

static void scan(enum argument_syntax syntax, const char *text)
{
	static struct argument_lines lines;

	lines.count = 0;
	if (arguments_scan(syntax, text, &lines, NULL))
		abort();
	for (size_t i = 0; i < lines.count; i++) {
		if (lines.line[i].start + lines.line[i].len > strlen(text))
			abort();
		edit(text + lines.line[i].start, lines.line[i].len,
			lines.context.len ? buffer_text(&lines.context) : NULL);
	}
	buffer_free(&lines.context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer text = { 0 };
	struct strings list = { 0 };
	struct unit_install install = { 0 };
	enum cloud_yaml kind;

	if (size < 1 || size > 4096 || buffer_append(&text, data + 1, size - 1, NULL))
		return 0;
	switch (data[0] % 8) {
	case 6:
		cloud_yaml_read(&text, &kind, &list, NULL);
		break;
	case 7:
		unit_install_read(buffer_text(&text), &install, NULL);
		break;
	default:
		scan(data[0] % 8, buffer_text(&text));
	}
	unit_install_free(&install);
	strings_free(&list);
	buffer_free(&text);
	return 0;
}
