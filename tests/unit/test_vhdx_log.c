/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a VHDX: what is replayed, and what is not. */
#include "formats/vhdx_log.h"
#include "tests/unit/source.h"

extern const struct format vhdx_format;

enum {
	LOG = 1 << 20,
	LOG_SIZE = 1 << 20,
	BAT = 3 << 20,
	SIZE = 4 << 20,
	SECTOR = VHDX_LOG_SECTOR,
};

static const uint64_t places[] = { 1 << 20, 2 << 20 };
static const struct guid log_guid = { { 1, 2, 3 } };

/* An image whose BAT has been lost, but for the copy in the log. */
struct sample {
	uint8_t *bytes;
	size_t len;
	uint8_t bat[SECTOR];
};

static void header_set(struct sample *s, struct guid log)
{
	for (unsigned n = 0; n < 2; n++) {
		struct vhdx_header *h = (struct vhdx_header *)(s->bytes + (n + 1) * 65536);

		h->log = log;
		h->checksum = put_le32(vhdx_checksum(h, sizeof(*h)));
	}
}

static struct sample sample_make(void)
{
	struct sparse source = sparse_disk(SIZE, places, 2);
	struct sample s;

	assert_int_equal(image_make(&source.disk, "log.vhdx", "", 1, NULL), 0);
	s.bytes = file_bytes("log.vhdx", &s.len);
	unlink(path_of("log.vhdx"));
	memcpy(s.bat, s.bytes + BAT, SECTOR);
	memset(s.bytes + BAT, 0xff, SECTOR);
	header_set(&s, log_guid);
	return s;
}

/* What an entry says; the data sectors all hold `data`. */
struct plan {
	uint64_t sequence;
	uint32_t tail;
	uint64_t off; /* in the file, of the data */
	const uint8_t *data;
	uint64_t zero_off, zero_len; /* a zero descriptor goes first when there is a length */
	uint64_t flushed, last;
	uint32_t wrong_sequence; /* added to the data sector's */
};

/* Puts an entry of two sectors, or of one without data, at `at` of the log, around its end. */
static uint32_t put_entry(struct sample *s, uint32_t at, const struct plan *p)
{
	uint32_t len = p->data ? 2 * SECTOR : SECTOR;
	uint8_t entry[2 * SECTOR] = { 0 };
	struct vhdx_log_header *h = (struct vhdx_log_header *)entry;
	struct vhdx_log_descriptor *d = (struct vhdx_log_descriptor *)(h + 1);
	struct vhdx_log_data *data = (struct vhdx_log_data *)(entry + SECTOR);

	*h = (struct vhdx_log_header){ .length = put_le32(len), .tail = put_le32(p->tail) };
	memcpy(h->signature, "loge", 4);
	h->sequence = put_le64(p->sequence);
	h->log = log_guid;
	h->flushed_file = put_le64(p->flushed ? p->flushed : s->len);
	h->last_file = put_le64(p->last ? p->last : s->len);
	h->descriptors = put_le32((p->zero_len ? 1u : 0u) + (p->data ? 1u : 0u));
	if (p->zero_len) {
		memcpy(d->signature, "zero", 4);
		d->zero_length = put_le64(p->zero_len);
		d->offset = put_le64(p->zero_off);
		d++->sequence = put_le64(p->sequence);
	}
	if (p->data) {
		memcpy(d->signature, "desc", 4);
		memcpy(d->leading, p->data, 8);
		memcpy(d->trailing, p->data + SECTOR - 4, 4);
		d->offset = put_le64(p->off);
		d->sequence = put_le64(p->sequence);
		memcpy(data->signature, "data", 4);
		data->sequence_high = put_le32((uint32_t)(p->sequence >> 32));
		data->sequence_low = put_le32((uint32_t)p->sequence + p->wrong_sequence);
		memcpy(data->bytes, p->data + 8, sizeof(data->bytes));
	}
	h->checksum = put_le32(vhdx_checksum(entry, len));
	for (uint32_t i = 0; i < len; i++)
		s->bytes[LOG + (at + i) % LOG_SIZE] = entry[i];
	return (at + len) % LOG_SIZE;
}

static int sample_open(const struct sample *s, struct disk **d, struct error *e)
{
	struct open_options o = { .path = NULL };
	struct disk *file = NULL;
	int rc;

	*e = (struct error){ 0 };
	assert_int_equal(memory_disk_open(s->bytes, s->len, &file, e), 0);
	rc = vhdx_format.open(file, &o, d, e);
	if (rc)
		disk_close(file);
	return rc;
}

/* The content is what it was before the BAT was lost. */
static void assert_replayed(struct sample *s)
{
	struct sparse source = sparse_disk(SIZE, places, 2);
	struct image_info info = { 0 };
	struct disk *d = NULL;
	struct extent x;
	struct error e;

	if (sample_open(s, &d, &e))
		fail_msg("%s", e.text);
	assert_same(&source.disk, d);
	assert_int_equal(vhdx_format.info(d, &info, NULL), 0);
	assert_true(info.log_dirty);
	/* The file itself does not say where the content is. */
	assert_int_equal(disk_extent(d, 1 << 20, &x, NULL), 0);
	assert_true(x.stored && !x.plain);
	image_info_free(&info);
	disk_close(d);
	free(s->bytes);
}

static void assert_not_replayed(struct sample *s, int code, const char *text)
{
	struct disk *d = NULL;
	uint8_t buf[512];
	struct error e;
	int rc = sample_open(s, &d, &e);

	if (!rc)
		rc = disk_read(d, 0, buf, sizeof(buf), &e);
	disk_close(d);
	assert_int_equal(rc, -code);
	if (!strstr(e.text, "cannot be replayed") || !strstr(e.text, text))
		fail_msg("no '%s' in: %s", text, e.text);
	free(s->bytes);
}

static void replays_one_entry(void **state)
{
	struct sample s = sample_make();
	struct plan p = { .sequence = 5, .off = BAT, .data = s.bat };

	(void)state;
	put_entry(&s, 0, &p);
	assert_replayed(&s);
	/* Its place is the ring's end, and it goes on at the beginning. */
	s = sample_make();
	p.data = s.bat;
	p.tail = LOG_SIZE - SECTOR;
	p.sequence = (UINT64_C(7) << 32) + 1;
	put_entry(&s, p.tail, &p);
	assert_replayed(&s);
}

/* Entries before the tail are in the file already; later ones win; the ring's end is no end. */
static void replays_a_sequence(void **state)
{
	struct sample s = sample_make();
	static uint8_t other[SECTOR];
	struct plan p = { .sequence = 20, .off = BAT, .data = s.bat };
	uint32_t at = LOG_SIZE - 5 * SECTOR, tail;

	(void)state;
	memset(other, 6, sizeof(other));
	p.tail = at;
	tail = put_entry(&s, at, &p);
	p = (struct plan){ .sequence = 21, .tail = tail, .off = BAT, .data = other };
	at = put_entry(&s, tail, &p);
	p = (struct plan){ .sequence = 22, .tail = tail, .zero_off = BAT, .zero_len = MIB };
	at = put_entry(&s, at, &p);
	p = (struct plan){ .sequence = 23, .tail = tail, .off = BAT, .data = s.bat };
	at = put_entry(&s, at, &p);
	assert_int_equal(at, 2 * SECTOR);
	assert_replayed(&s);
}

static void remains_do_not_count(void **state)
{
	static uint8_t other[SECTOR];
	struct sample s = sample_make();
	struct plan p = { .sequence = 8, .off = BAT, .data = s.bat };
	uint32_t at;

	(void)state;
	memset(other, 6, sizeof(other));
	/* An older sequence, a newer one whose tail is gone, and a newer one that is torn. */
	put_entry(&s, 16 * SECTOR, &p);
	p = (struct plan){ .sequence = 9, .tail = 16 * SECTOR, .off = BAT, .data = s.bat };
	put_entry(&s, 18 * SECTOR, &p);
	p = (struct plan){ .sequence = 5, .tail = 40 * SECTOR, .off = BAT, .data = other };
	put_entry(&s, 40 * SECTOR, &p);
	p = (struct plan){ .sequence = 90, .tail = 62 * SECTOR, .off = BAT, .data = other };
	put_entry(&s, 60 * SECTOR, &p);
	p = (struct plan){ .sequence = 91, .tail = 70 * SECTOR, .off = BAT, .data = other };
	at = put_entry(&s, 70 * SECTOR, &p);
	s.bytes[LOG + at - 100] ^= 1;
	/* The first one begins the sequence only when its own tail says so. */
	p = (struct plan){ .sequence = 8, .tail = 16 * SECTOR, .off = BAT, .data = other };
	put_entry(&s, 16 * SECTOR, &p);
	assert_replayed(&s);
}

/* What the log adds to a file that did not grow in time reads as zeros. */
static void file_grows(void **state)
{
	struct sample s = sample_make();
	struct plan p = { .sequence = 5, .off = BAT, .data = s.bat, .flushed = 5 * MIB };

	(void)state;
	p.last = s.len;
	/* The last block of the content is the file's last MiB; 8 KiB of it are not zero. */
	s.len -= MIB / 2;
	put_entry(&s, 0, &p);
	assert_replayed(&s);
}

/* The replayed BAT stores nothing. */
static void assert_all_zero(struct sample *s)
{
	struct disk *d = NULL;
	struct extent x;
	struct error e;

	assert_int_equal(sample_open(s, &d, &e), 0);
	assert_int_equal(disk_extent(d, 0, &x, &e), 0);
	assert_true(x.zero && x.length == SIZE);
	disk_close(d);
	free(s->bytes);
}

static void zeros_are_written(void **state)
{
	struct sample s = sample_make();
	struct plan p = { .sequence = 5, .zero_off = BAT, .zero_len = SECTOR };

	(void)state;
	put_entry(&s, 0, &p);
	assert_all_zero(&s);
}

#define REFUSED(code, text, ...)                                                                   \
	do {                                                                                       \
		struct sample s = sample_make();                                                   \
		struct plan p = { .sequence = 5, .off = BAT, .data = s.bat, __VA_ARGS__ };         \
		put_entry(&s, 0, &p);                                                              \
		assert_not_replayed(&s, code, text);                                               \
	} while (0)

static void lies_are_refused(void **state)
{
	struct sample nothing = sample_make();

	(void)state;
	assert_not_replayed(&nothing, ERR_CORRUPT, "no valid sequence");
	REFUSED(ERR_CORRUPT, "no valid sequence", .tail = SECTOR);
	REFUSED(ERR_CORRUPT, "no valid sequence", .tail = 1);
	REFUSED(ERR_CORRUPT, "belongs to another", .wrong_sequence = 1);
	REFUSED(ERR_CORRUPT, "past the end", .zero_off = 1 << 30, .zero_len = SECTOR);
	REFUSED(ERR_CORRUPT, "not aligned", .zero_off = BAT, .zero_len = 100);
	REFUSED(ERR_CORRUPT, "it was cut off", .flushed = 100 * MIB);
	REFUSED(ERR_CORRUPT, "wants a file", .last = UINT64_MAX - SECTOR);
}

/* 99 TiB of zeros, most of them past the file's end, take neither time nor room. */
static void many_zeros_cost_nothing(void **state)
{
	struct sample s = sample_make();
	struct plan p = { .sequence = 5, .last = 100 * TIB, .zero_off = BAT, .zero_len = 99 * TIB };

	(void)state;
	put_entry(&s, 0, &p);
	assert_all_zero(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays_one_entry),
		cmocka_unit_test(replays_a_sequence),
		cmocka_unit_test(remains_do_not_count),
		cmocka_unit_test(file_grows),
		cmocka_unit_test(zeros_are_written),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(many_zeros_cost_nothing),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
