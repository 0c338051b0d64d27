/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_HIVE_PRIVATE_H
#define LIBIMG_GUEST_HIVE_PRIVATE_H

#include "guest/hive.h"
#include "guest/hive_format.h"

struct hive_free {
	uint32_t at, size;
};

struct hive {
	struct buffer file; /* base block, bins, and what follows them */
	uint32_t bins; /* bytes of bins */
	uint32_t minor;
	uint32_t root;
	bool write, dirty, changed, finished;
	size_t entries;
	struct journal *journal;
	const char *volume, *path;
	/* When written: free cells and where bins begin, both rising. */
	struct hive_free *free;
	size_t free_count, free_capacity;
	uint32_t *bin;
	size_t bin_count, bin_capacity;
	bool batch; /* cells are freed without a place in `free` */
};

/* The content of an allocated cell, valid until the next hive_cell_new. */
static inline void *hive_cell(const struct hive *h, uint32_t at)
{
	return h->file.data + HIVE_BASE_SIZE + at + HIVE_CELL_HEADER;
}

/* Bytes of the content, an allocated cell having a negative size. */
static inline uint32_t hive_cell_room(const struct hive *h, uint32_t at)
{
	const le32 *size = (const void *)(h->file.data + HIVE_BASE_SIZE + at);

	return 0u - get_le32(*size) - HIVE_CELL_HEADER;
}

static inline struct hive_base *hive_base(const struct hive *h)
{
	return (void *)h->file.data;
}

/* hive_check.c: the whole hive, base block and bins, `len` bytes with what may follow them. */
int hive_check(const uint8_t *file, size_t len, struct error *e);
uint32_t hive_sum(const struct hive_base *base);
/* Everything of the base block but checksum and sequence numbers. */
int hive_check_base(const uint8_t *file, size_t len, struct error *e);

/* hive_log.c: brings a dirty hive up to date; *entries 0: its logs do not fit it. */
int hive_recover(
	struct buffer *file, const struct hive_files *files, size_t *entries, struct error *e);
/* The base block of a whole log, of one with entries or of the older kind; NULL: it is none. */
const struct hive_base *hive_log_base(const void *log, size_t len, bool entries);
/* Makes a log's base block the hive's, clean and with `bins` bytes behind it. */
int hive_log_base_take(
	struct buffer *file, const struct hive_base *from, uint32_t bins, struct error *e);
/* hive_log_entries.c: logs of Windows 8.1 and later. */
uint64_t hive_marvin(const uint8_t *bytes, size_t len);
int hive_recover_entries(struct buffer *file, const struct hive_files *files, bool base_right,
	size_t *entries, struct error *e);

/* hive_name.c: a name as the hive has it. */
struct hive_name {
	const uint8_t *bytes;
	size_t len;
	bool compact;
};
struct hive_name hive_key_name(const struct hive *h, uint32_t key);
struct hive_name hive_value_name(const struct hive *h, uint32_t value);
size_t hive_name_units(const struct hive_name *n);
uint16_t hive_name_unit(const struct hive_name *n, size_t i);
uint16_t hive_unit_upper(uint16_t unit);
bool hive_name_is(const struct hive_name *n, const char *text, size_t len);
/* As UTF-8; what is none, and NUL, as U+FFFD. */
int hive_name_text(const struct hive_name *n, char **out, struct error *e);
/* UTF-8 as the bytes of UTF-16LE; ERR_USAGE for what is no UTF-8. */
int hive_utf16(const char *text, size_t len, struct buffer *out, struct error *e);

/* hive_key.c: the keys below one. */
struct hive_walk {
	const struct hive *h;
	uint32_t list; /* HIVE_NIL: none */
	uint32_t leaf, i; /* index in an "ri", index in the leaf */
};
struct hive_walk hive_walk_start(const struct hive *h, uint32_t key);
bool hive_walk_next(struct hive_walk *w, uint32_t *key);
uint32_t hive_subkey(const struct hive *h, uint32_t key, const char *name, size_t len);
/* The next part of a path, *len 0 at its end; moves on. */
const char *hive_path_part(const char **path, size_t *len);
/* HIVE_NIL: none. */
uint32_t hive_find(const struct hive *h, const char *path);
uint32_t hive_find_value(const struct hive *h, uint32_t key, const char *name, size_t *index);

/* hive_value.c */
bool hive_value_big(const struct hive *h, const struct hive_data *v);
int hive_value_read(const struct hive *h, uint32_t value, struct hive_value *out, struct error *e);

/* hive_cell.c: room in a hive that is edited. */
int hive_cells_find(struct hive *h, struct error *e);
/* A cell with `len` zero bytes. */
int hive_cell_new(struct hive *h, size_t len, uint32_t *out, struct error *e);
int hive_cell_free(struct hive *h, uint32_t at, struct error *e);
/* Many cells are to be freed and none made; the end says whether all went well. */
void hive_cells_batch(struct hive *h);
int hive_cells_batch_end(struct hive *h, struct error *e);
/* Moves the cell that *at names when it has no room for `len` bytes; its content comes along. */
int hive_cell_grow(struct hive *h, uint32_t *at, size_t len, struct error *e);

/* hive_list.c: a key's place among those of its parent.  `name` is ASCII. */
int hive_list_insert(struct hive *h, uint32_t parent, uint32_t key, const char *name, size_t len,
	struct error *e);
int hive_list_remove(struct hive *h, uint32_t parent, uint32_t key, struct error *e);

/* hive_edit_key.c */
/* *made: how much of the path names the first key that is new; 0: none is. */
int hive_make_key(struct hive *h, const char *path, uint32_t *out, size_t *made, struct error *e);
int hive_drop_value(struct hive *h, uint32_t value, struct error *e);
int hive_drop_data(struct hive *h, uint32_t value, struct error *e);
/* With everything below it. */
int hive_drop_tree(struct hive *h, uint32_t key, struct error *e);

#endif
