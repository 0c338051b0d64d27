/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshot tables made by hand: which snapshot a text means, and lies that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "disk/memory.h"
#include "formats/qcow2_snapshot.h"

extern const struct format qcow2_format;

enum {
	CLUSTER = 512,
	L1 = 1 * CLUSTER,
	TABLE = 2 * CLUSTER,
	SNAPSHOT_L1 = 4 * CLUSTER,
	SNAPSHOT_L2 = 5 * CLUSTER,
	DATA = 6 * CLUSTER,
	FILE_SIZE = 8 * CLUSTER,
	SIZE = 64 * CLUSTER, /* what one L1 entry describes */
};

struct image {
	union {
		struct qcow2_header header;
		uint8_t bytes[FILE_SIZE];
	};
	size_t end; /* of the snapshot table */
};

static void set64(struct image *m, size_t off, uint64_t value)
{
	be64 v = put_be64(value);

	memcpy(m->bytes + off, &v, sizeof(v));
}

static struct qcow2_snapshot_entry *entry_at(struct image *m, size_t off)
{
	return (struct qcow2_snapshot_entry *)(m->bytes + off);
}

/* With the extra data of `extra` bytes, of which the second eight are the size. */
static void snapshot_add(
	struct image *m, const char *id, const char *name, uint32_t extra, uint64_t size)
{
	struct qcow2_snapshot_entry *s = entry_at(m, m->end);
	size_t at = m->end + sizeof(*s);

	*s = (struct qcow2_snapshot_entry){
		.l1_off = put_be64(SNAPSHOT_L1),
		.l1_size = put_be32(1),
		.id_len = put_be16((uint16_t)strlen(id)),
		.name_len = put_be16((uint16_t)strlen(name)),
		.seconds = put_be32(86400),
		.extra_len = put_be32(extra),
	};
	if (extra >= 16)
		set64(m, at + 8, size);
	memcpy(m->bytes + at + extra, id, strlen(id));
	memcpy(m->bytes + at + extra + strlen(id), name, strlen(name));
	m->end = (at + extra + strlen(id) + strlen(name) + 7) / 8 * 8;
	m->header.snapshots = put_be32(get_be32(m->header.snapshots) + 1);
}

/* An empty image; what the snapshots hold begins with a cluster of 'a'. */
static struct image image_make(void)
{
	struct image m = { .end = TABLE };
	struct qcow2_header *h = &m.header;

	memcpy(h->magic, "QFI\xfb", 4);
	h->version = put_be32(3);
	h->cluster_bits = put_be32(9);
	h->size = put_be64(SIZE);
	h->l1_size = put_be32(1);
	h->l1_off = put_be64(L1);
	h->refcount_order = put_be32(4);
	h->header_len = put_be32(QCOW2_V3_HEADER);
	h->snapshots_off = put_be64(TABLE);
	set64(&m, SNAPSHOT_L1, SNAPSHOT_L2);
	set64(&m, SNAPSHOT_L2, DATA);
	memset(m.bytes + DATA, 'a', CLUSTER);
	return m;
}

static int image_try(
	const struct image *m, const char *snapshot, struct disk **out, struct error *e)
{
	struct disk *file;
	int rc;

	assert_int_equal(memory_disk_open(m->bytes, sizeof(m->bytes), &file, NULL), 0);
	rc = qcow2_format.open(file, &(struct open_options){ .snapshot = snapshot }, out, e);
	if (rc)
		disk_close(file);
	return rc;
}

/* The size of the snapshot, of which the first byte is checked too. */
static uint64_t size_of(const struct image *m, const char *snapshot)
{
	struct error e = { 0 };
	struct disk *d = NULL;
	uint64_t size;
	uint8_t byte;

	if (image_try(m, snapshot, &d, &e))
		fail_msg("%s", e.text);
	assert_int_equal(disk_read(d, 0, &byte, 1, NULL), 0);
	assert_int_equal(byte, 'a');
	size = d->size;
	disk_close(d);
	return size;
}

static void refused(const struct image *m, const char *snapshot, int code, const char *text)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	assert_int_equal(image_try(m, snapshot, &d, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
}

/* A name comes before an id; the size is the snapshot's, that of the disk when it tells none. */
static void names_and_ids(void **state)
{
	struct image m = image_make();

	(void)state;
	snapshot_add(&m, "1", "2", 0, 0);
	snapshot_add(&m, "2", "x", 16, SIZE / 2);
	snapshot_add(&m, "3", "long", 24, SIZE / 4);
	assert_int_equal(size_of(&m, "1"), SIZE);
	assert_int_equal(size_of(&m, "2"), SIZE);
	assert_int_equal(size_of(&m, "snapshot.id=2"), SIZE / 2);
	assert_int_equal(size_of(&m, "x"), SIZE / 2);
	assert_int_equal(size_of(&m, "snapshot.name=long,snapshot.id=3"), SIZE / 4);
	refused(&m, "y", ERR_NOTFOUND, "there are 2 (id 1), x (id 2), long (id 3)");
	refused(&m, "snapshot.name=x,snapshot.id=1", ERR_NOTFOUND, "snapshot.name=x");
	snapshot_add(&m, "4", "x", 0, 0);
	refused(&m, "x", ERR_USAGE, "2 snapshots are named x");
}

static void lies_are_refused(void **state)
{
	struct image good = image_make(), m;

	(void)state;
	snapshot_add(&good, "1", "s", 16, SIZE);
	m = good;
	m.header.snapshots = put_be32(65537);
	refused(&m, "s", ERR_CORRUPT, "65537 entries");
	m = good;
	m.header.snapshots_off = put_be64(TABLE + 8);
	refused(&m, "s", ERR_CORRUPT, "at 1032");
	m.header.snapshots_off = put_be64(UINT64_MAX - 511);
	refused(&m, "s", ERR_CORRUPT, "runs past the end of the file at 4096");
	m = good;
	entry_at(&m, TABLE)->extra_len = put_be32(UINT32_MAX);
	refused(&m, "s", ERR_CORRUPT, "at 1024 runs past");
	m = good;
	entry_at(&m, TABLE)->name_len = put_be16(UINT16_MAX);
	refused(&m, "1", ERR_CORRUPT, "at 1024 runs past");
	m = good;
	entry_at(&m, TABLE)->l1_off = put_be64(SNAPSHOT_L1 + 1);
	refused(&m, "s", ERR_CORRUPT, "snapshot: L1 table is at 2049");
	entry_at(&m, TABLE)->l1_off = put_be64(FILE_SIZE);
	refused(&m, "s", ERR_CORRUPT, "at 4096 runs past");
	m = good;
	entry_at(&m, TABLE)->l1_size = put_be32(0);
	refused(&m, "s", ERR_CORRUPT, "has 0 entries");
	m = image_make();
	snapshot_add(&m, "1", "s", 16, SIZE * 2);
	refused(&m, "s", ERR_CORRUPT, "has 1 entries");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_ids),
		cmocka_unit_test(lies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
