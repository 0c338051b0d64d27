/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_HIVE_H
#define LIBIMG_GUEST_HIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/journal.h"
#include "base/strings.h"

/*
 * A registry hive (regf, versions 1.3 to 1.6; msuhanov/regf) in memory.  What is opened was checked
 * whole before: every bin, cell, list, key and value is inside the hive and reached once.  A hive
 * that Windows had not written back is brought up to date from its logs first.  Keys are named by
 * path from the hive's root, UTF-8, parts apart by '\', any case ("ControlSet001\Services\vmbus");
 * "" is the root.  Names of values are UTF-8, any case; "" is the default value.  One thread.
 */
struct hive;

enum hive_type { /* of values; others occur and are carried as they are */
	HIVE_NONE = 0,
	HIVE_SZ = 1,
	HIVE_EXPAND_SZ = 2,
	HIVE_BINARY = 3,
	HIVE_DWORD = 4,
	HIVE_MULTI_SZ = 7,
	HIVE_QWORD = 11,
};

enum {
	HIVE_LIMIT = 512 << 20, /* bytes of a hive or a log */
	/* Larger data needs a record of its own (db), which is read, and freed, but never written.
	 */
	HIVE_VALUE_LIMIT = 16344,
};

struct hive_value {
	char *name;
	uint32_t type;
	uint8_t *data;
	size_t len;
};

/* The files of one hive, as the guest has them; len 0: no such log, or an empty one.  Windows
 * before Vista has one log, log1. */
struct hive_files {
	const void *primary, *log1, *log2;
	size_t primary_len, log1_len, log2_len;
};

struct hive_options {
	bool write;
	/* A dirty hive whose logs do not fit is taken as it is; what Windows had not written back
	 * is lost. */
	bool force_dirty;
	/* Where edits are recorded; NULL: nowhere. */
	struct journal *journal;
	const char *volume, *path; /* for the journal; the caller's, for the hive's life */
};

/* Copies what it needs of the files.  ERR_CORRUPT with the offset of what is wrong; ERR_REFUSED,
 * with both sequence numbers, for a dirty hive whose logs do not bring it up to date; ERR_RANGE for
 * one that is larger than any that was seen, or has a key that is. */
int hive_open(const struct hive_files *files, const struct hive_options *o, struct hive **out,
	struct error *e);
void hive_close(struct hive *h);

/* Whether the sequence numbers differed, or the checksum was wrong, and from how many log entries
 * it was brought up to date; a log of before Windows 8.1 is one. */
bool hive_was_dirty(const struct hive *h);
size_t hive_entries_applied(const struct hive *h);

bool hive_has_key(struct hive *h, const char *key);
/* The names of the keys below, as they are written, sorted. */
int hive_keys(struct hive *h, const char *key, struct strings *out, struct error *e);
/* All values of a key, in the hive's order; hive_values_free frees. */
int hive_values(
	struct hive *h, const char *key, struct hive_value **out, size_t *count, struct error *e);
void hive_values_free(struct hive_value *v, size_t count);

/* ERR_NOTFOUND when there is no such key or value.  hive_value_free frees. */
int hive_get(
	struct hive *h, const char *key, const char *name, struct hive_value *out, struct error *e);
void hive_value_free(struct hive_value *v);
/* A DWORD, also one stored as DWORD_BIG_ENDIAN or QWORD that fits; another type or length is
 * ERR_CORRUPT. */
int hive_get_dword(
	struct hive *h, const char *key, const char *name, uint32_t *out, struct error *e);
/* SZ or EXPAND_SZ up to its first NUL, as UTF-8, unpaired surrogates as U+FFFD. */
int hive_get_text(struct hive *h, const char *key, const char *name, char **out, struct error *e);
/* MULTI_SZ; SZ is a list of one. */
int hive_get_list(
	struct hive *h, const char *key, const char *name, struct strings *out, struct error *e);

/* What the data of such values stands for, as above. */
int hive_data_text(const uint8_t *data, size_t len, char **out, struct error *e);
int hive_data_list(const uint8_t *data, size_t len, struct strings *out, struct error *e);
/* And back: bytes are appended to *out. */
int hive_text_data(const char *text, struct buffer *out, struct error *e);
int hive_list_data(const struct strings *list, struct buffer *out, struct error *e);
/* "REG_SZ" and the like; NULL: the type has no name. */
const char *hive_type_name(uint32_t type);

/*
 * Sets a value; keys on the way are made, with security and times of the key above.  What is there
 * already is left alone, unrecorded, and so is every other value of the key.  ERR_UNSUPPORTED for
 * data of more than HIVE_VALUE_LIMIT and for a new key with a name outside ASCII; ERR_CORRUPT for a
 * new key among some that are not sorted.  `why` is one line for the journal.
 */
int hive_set(struct hive *h, const char *key, const struct hive_value *v, const char *why,
	struct error *e);
int hive_set_dword(struct hive *h, const char *key, const char *name, uint32_t value,
	const char *why, struct error *e);
/* `type` is HIVE_SZ or HIVE_EXPAND_SZ. */
int hive_set_text(struct hive *h, const char *key, const char *name, enum hive_type type,
	const char *text, const char *why, struct error *e);
int hive_set_list(struct hive *h, const char *key, const char *name, const struct strings *list,
	const char *why, struct error *e);
/* Makes the key, if it is missing, without values. */
int hive_add_key(struct hive *h, const char *key, const char *why, struct error *e);
/* No error when there is none. */
int hive_remove_value(
	struct hive *h, const char *key, const char *name, const char *why, struct error *e);
/* With everything below it; no error when there is none. */
int hive_remove_key(struct hive *h, const char *key, const char *why, struct error *e);

/* Whether the bytes to be written differ from those that were read. */
bool hive_changed(const struct hive *h);
/* The whole hive as it shall be written: sequence numbers equal, checksum right, clean; its logs
 * must then be emptied.  It has been checked like one that was read.  The hive can be read
 * afterwards, not edited. */
int hive_finish(struct hive *h, struct buffer *out, struct error *e);

#endif
