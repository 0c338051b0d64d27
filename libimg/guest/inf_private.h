/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_INF_PRIVATE_H
#define LIBIMG_GUEST_INF_PRIVATE_H

#include "guest/inf.h"

/* What the parts of the INF reader share. */

/* A line with content: no comment, continued ones joined, no space at either end. */
struct inf_line {
	const char *text;
	unsigned number; /* in the file, from 1 */
	size_t section;
};

struct inf_section {
	const char *name; /* as spelled where it begins */
	const struct inf_line *line;
	size_t count;
};

/* Names and values, sorted by name once complete; the first of a name counts. */
struct inf_pair {
	char *name, *value;
	size_t order;
};

struct inf_table {
	struct inf_pair *pair;
	size_t count, capacity;
};

/* An INF in memory, sections of one name put together. */
struct inf_source {
	const struct inf_platform *platform;
	struct buffer text;
	struct inf_line *line;
	size_t line_count;
	struct inf_section *section; /* sorted by name */
	size_t section_count;
	size_t *device; /* of each section, 1 + the first device that is installed by it; 0: none */
	struct inf_table strings; /* names in lower case */
	struct inf_table disk_files; /* lower case name of a file -> path in the package */
	struct strings *included;
	uint64_t work;
};

/* A line taken apart, strings put in. */
struct inf_item {
	unsigned number;
	char *key; /* what is before "=", NULL: there is none */
	char *key_token; /* the key as written, when it is "%TOKEN%" and nothing else; or NULL */
	struct strings field;
};

/* inf_text.c: UTF-8, with NUL bytes refused. */
int inf_text_decode(const void *bytes, size_t len, struct buffer *out, struct error *e);
/* Appends UTF-16 of a UTF-8 text, little endian, without its end. */
int inf_utf16_append(struct buffer *out, const char *text, struct error *e);
void inf_lower(char *text);

/* inf_section.c */
int inf_sections_read(struct inf_source *s, struct error *e);
/* NULL: no such section. */
const struct inf_section *inf_section_find(const struct inf_source *s, const char *name);
/* The first section whose name is not before `name`, in any case. */
size_t inf_section_from(const struct inf_source *s, const char *name);

/* inf_item.c */
int inf_item_read(
	struct inf_source *s, const struct inf_line *line, struct inf_item *out, struct error *e);
void inf_item_free(struct inf_item *item);
/* "" where the line has no such field. */
const char *inf_field(const struct inf_item *item, size_t index);
bool inf_key_is(const struct inf_item *item, const char *key);
/* A decimal or 0x number, negative ones as 32 bits of two's complement; `empty` where it says
 * nothing. */
int inf_number(
	const struct inf_item *item, size_t index, uint32_t empty, uint32_t *out, struct error *e);
bool inf_number_read(const char *text, uint32_t *out);
typedef int (*inf_visit)(void *arg, const struct inf_item *item, struct error *e);
/* Every line of a section; none when there is no such section. */
int inf_each(
	struct inf_source *s, const char *section, inf_visit visit, void *arg, struct error *e);

/* inf_strings.c */
int inf_strings_read(struct inf_source *s, struct error *e);
/* Puts strings in; `number` is the line, for messages. */
int inf_expand(struct inf_source *s, const char *text, unsigned number, struct buffer *out,
	struct error *e);
int inf_table_add(struct inf_table *t, const char *name, const char *value, struct error *e);
void inf_table_sort(struct inf_table *t);
/* The value of a name in lower case, or NULL. */
const char *inf_table_find(const struct inf_table *t, const char *name);
void inf_table_free(struct inf_table *t);

/* inf_platform.c */
struct inf_decoration {
	enum { INF_ANY_ARCH, INF_THIS_ARCH, INF_OTHER_ARCH } arch;
	uint32_t major, minor, build, product, suite;
};
/* Whether `text` ("NTamd64.10.0") is a decoration at all. */
bool inf_decoration_read(
	const char *text, const struct inf_platform *p, struct inf_decoration *out);
bool inf_decoration_fits(const struct inf_decoration *d, const struct inf_platform *p);
/* Whether `a` is closer to the platform than `b`, where both fit. */
bool inf_decoration_closer(const struct inf_decoration *a, const struct inf_decoration *b);
/* The section of that name with the decoration that fits best, or without one; *out NULL: none. */
int inf_section_fitting(
	struct inf_source *s, const char *name, const struct inf_section **out, struct error *e);
/* The decorations that there are of that section. */
int inf_decorations(
	const struct inf_source *s, const char *name, struct strings *out, struct error *e);

/* inf_path.c: "/" between folders, none at either end; ERR_CORRUPT when it leaves its folder or
 * is none that Windows takes.  Appends to `out`, after a "/" when that has something. */
int inf_path_append(struct buffer *out, const char *path, unsigned number, struct error *e);
/* "%12%\sub\name" taken apart. */
int inf_path_split(const char *path, unsigned number, unsigned *dirid, char **subdirectory,
	char **name, struct error *e);

/* inf_install.c: what an install section does. */
int inf_install_read(struct inf_source *s, struct inf_device *d, struct error *e);
/* Every line of a section and of those that it needs, once each. */
int inf_each_needed(
	struct inf_source *s, const char *section, inf_visit visit, void *arg, struct error *e);

/* inf_file.c */
int inf_disk_files_read(struct inf_source *s, struct strings *sources, struct error *e);
/* What one field of CopyFiles names: a section, or "@file". */
int inf_copy_read(struct inf_source *s, const char *name, unsigned number, struct inf_device *d,
	struct error *e);

/* inf_reg.c */
int inf_reg_read(struct inf_source *s, const char *section, struct inf_regs *out, struct error *e);
void inf_regs_free(struct inf_regs *r);

/* inf_service.c: of an AddService line. */
int inf_service_add(
	struct inf_source *s, const struct inf_item *item, struct inf_device *d, struct error *e);
void inf_service_free(struct inf_service *service);

/* inf_models.c */
int inf_models_read(struct inf_source *s, struct inf *out, struct error *e);

/* As inf_parse; adds to *work what of INF_WORK_LIMIT it took, whatever comes of it. */
int inf_parse_counted(const void *bytes, size_t len, const struct inf_platform *p, struct inf *out,
	uint64_t *work, struct error *e);

/* Room for one more in an array that grows by doubling. */
int inf_grow(void **array, size_t count, size_t size, struct error *e);
int inf_copy(char **out, const char *text, struct error *e);

#endif
