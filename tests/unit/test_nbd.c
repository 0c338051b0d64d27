/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The NBD server against clients that keep the rules and clients that do not.  Numbers are written
 * out as in the protocol's description, not taken from the server's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "disk/memory.h"
#include "tests/unit/nbd_bytes.h"

enum { DISK = 3 << 20, HEAR = 8 << 20, GREETING = 18, OPTION_REPLY = 20, SIMPLE_REPLY = 16 };

struct conversation {
	struct buffer say;
	struct script heard;
	struct disk *disk;
	pthread_mutex_t lock;
	size_t at; /* how far `heard` has been looked at */
};

static void say(struct conversation *c, uint64_t n, size_t bytes)
{
	uint8_t big[8];

	for (size_t i = 0; i < bytes; i++)
		big[i] = (uint8_t)(n >> (bytes - 1 - i) * 8);
	assert_int_equal(buffer_append(&c->say, big, bytes, NULL), 0);
}

static void say_option(struct conversation *c, uint32_t option, const void *data, uint32_t len)
{
	say(c, 0x49484156454f5054, 8);
	say(c, option, 4);
	say(c, len, 4);
	assert_int_equal(buffer_append(&c->say, data, len, NULL), 0);
}

static void say_request(
	struct conversation *c, unsigned flags, unsigned type, uint64_t off, uint64_t length)
{
	say(c, 0x25609513, 4);
	say(c, flags, 2);
	say(c, type, 2);
	say(c, 0x1122334455667788, 8);
	say(c, off, 8);
	say(c, length, 4);
}

static uint64_t hear(struct conversation *c, size_t bytes)
{
	uint64_t n = 0;

	assert_true(c->at + bytes <= c->heard.heard.len);
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | c->heard.heard.data[c->at++];
	return n;
}

static int conversation_open(void **state)
{
	struct conversation *c = calloc(1, sizeof(*c));

	*state = c;
	if (!c || memory_disk_open(NULL, DISK, &c->disk, NULL))
		return -1;
	say(c, 3, 4);
	return pthread_mutex_init(&c->lock, NULL);
}

static int conversation_close(void **state)
{
	struct conversation *c = *state;

	buffer_free(&c->say);
	buffer_free(&c->heard.heard);
	disk_close(c->disk);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return 0;
}

static void play(struct conversation *c, bool writable)
{
	script_play(&c->heard, c->say.data, c->say.len, HEAR, c->disk, writable ? &c->lock : NULL);
	c->at = 0;
	assert_int_equal(hear(c, 8), 0x4e42444d41474943);
	assert_int_equal(hear(c, 8), 0x49484156454f5054);
	assert_int_equal(hear(c, 2), 3);
}

/* The next option reply's type; its data is skipped. */
static uint32_t hear_reply(struct conversation *c, uint32_t option)
{
	uint32_t type;

	assert_int_equal(hear(c, 8), 0x3e889045565a9);
	assert_int_equal(hear(c, 4), option);
	type = (uint32_t)hear(c, 4);
	c->at += hear(c, 4);
	return type;
}

static uint32_t hear_simple(struct conversation *c)
{
	uint32_t error;

	assert_int_equal(hear(c, 4), 0x67446698);
	error = (uint32_t)hear(c, 4);
	assert_int_equal(hear(c, 8), 0x1122334455667788);
	return error;
}

/* The next part of a structured reply: its type; flags and length of its data, which comes next. */
static unsigned hear_chunk(struct conversation *c, unsigned *flags, uint32_t *length)
{
	unsigned type;

	assert_int_equal(hear(c, 4), 0x668e33ef);
	*flags = (unsigned)hear(c, 2);
	type = (unsigned)hear(c, 2);
	assert_int_equal(hear(c, 8), 0x1122334455667788);
	*length = (uint32_t)hear(c, 4);
	return type;
}

static void heard_all(const struct conversation *c)
{
	assert_int_equal(c->at, c->heard.heard.len);
}

static void go_tells_size_flags_and_block_sizes(void **state)
{
	struct conversation *c = *state;

	say_option(c, 7, "\0\0\0\0\0\1\0\3", 8);
	play(c, false);
	c->at += OPTION_REPLY;
	assert_int_equal(hear(c, 2), 0);
	assert_int_equal(hear(c, 8), DISK);
	/* HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_DF, CAN_MULTI_CONN */
	assert_int_equal(hear(c, 2), 1 | 2 | 4 | 128 | 256);
	c->at += OPTION_REPLY;
	assert_int_equal(hear(c, 2), 3);
	assert_int_equal(hear(c, 4), 1);
	assert_int_equal(hear(c, 4), 4096);
	assert_int_equal(hear(c, 4), 32 << 20);
	assert_int_equal(hear_reply(c, 7), 1);
	heard_all(c);
}

static void export_name_is_padded_when_not_agreed_otherwise(void **state)
{
	struct conversation *c = *state;

	say_option(c, 1, "", 0);
	play(c, true);
	assert_int_equal(c->heard.heard.len, GREETING + 10);
	c->say.data[3] = 1; /* no NBD_FLAG_C_NO_ZEROES */
	buffer_free(&c->heard.heard);
	play(c, true);
	assert_int_equal(c->heard.heard.len, GREETING + 10 + 124);
	assert_int_equal(hear(c, 8), DISK);
	/* FUA, TRIM and WRITE_ZEROES, and not READ_ONLY */
	assert_int_equal(hear(c, 2), 1 | 4 | 8 | 32 | 64 | 128 | 256);
}

static void options_that_are_wrong_get_an_error_and_the_next_is_heard(void **state)
{
	static const struct {
		uint32_t option, len;
		const char *data;
		uint32_t reply;
	} wrong[] = {
		{ 5, 0, "", 0x80000001 }, /* STARTTLS */
		{ 11, 0, "", 0x80000001 }, /* EXTENDED_HEADERS */
		{ 0xffffffff, 4, "abcd", 0x80000001 },
		{ 3, 1, "x", 0x80000003 }, /* LIST with data */
		{ 8, 1, "x", 0x80000003 }, /* STRUCTURED_REPLY with data */
		{ 10, 8, "\0\0\0\0\0\0\0\0", 0x80000003 }, /* contexts before structured replies */
		{ 7, 3, "\0\0\0", 0x80000003 }, /* no whole length */
		{ 7, 6, "\xff\xff\xff\xff\0\0", 0x80000003 }, /* a name of 4 GiB */
		{ 7, 6, "\0\0\0\0\xff\xff", 0x80000003 }, /* 65535 facts, none there */
		{ 7, 7, "\0\0\0\0\0\0x", 0x80000003 }, /* more than was said */
		{ 6, 7, "\0\0\0\1x\0\0", 0x80000006 }, /* no such export */
	};
	struct conversation *c = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		say_option(c, wrong[i].option, wrong[i].data, wrong[i].len);
	say_option(c, 2, "", 0);
	play(c, false);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(hear_reply(c, wrong[i].option), wrong[i].reply);
	assert_int_equal(hear_reply(c, 2), 1);
	heard_all(c);
}

static void contexts_are_listed_and_chosen(void **state)
{
	static const char query[] = "\0\0\0\0\0\0\0\2\0\0\0\6qemu:x\0\0\0\17base:allocation";
	static const char endless[] = "\0\0\0\0\xff\xff\xff\xff\0\0\0\17base:allocation";
	struct conversation *c = *state;

	say_option(c, 8, "", 0);
	say_option(c, 9, "\0\0\0\0\0\0\0\0", 8);
	say_option(c, 10, query, sizeof(query) - 1);
	say_option(c, 10, endless, sizeof(endless) - 1);
	play(c, false);
	assert_int_equal(hear_reply(c, 8), 1);
	assert_int_equal(hear_reply(c, 9), 4);
	assert_int_equal(hear_reply(c, 9), 1);
	assert_int_equal(hear_reply(c, 10), 4);
	assert_int_equal(hear_reply(c, 10), 1);
	assert_int_equal(hear_reply(c, 10), 0x80000003);
	heard_all(c);
}

static void a_long_option_ends_the_connection(void **state)
{
	struct conversation *c = *state;

	static const char data[32769];

	say_option(c, 3, data, sizeof(data));
	say_option(c, 2, "", 0);
	play(c, false);
	assert_int_equal(hear_reply(c, 3), 0x80000009);
	heard_all(c);
}

static void unknown_client_flags_and_magics_end_the_connection(void **state)
{
	struct conversation *c = *state;

	say_option(c, 1, "", 0);
	c->say.data[0] = 0x80;
	play(c, false);
	heard_all(c);
	c->say.data[0] = 0;
	c->say.data[4] ^= 1;
	buffer_free(&c->heard.heard);
	play(c, false);
	heard_all(c);
}

static void simple_replies_carry_reads_and_errors(void **state)
{
	struct conversation *c = *state;

	say_option(c, 1, "", 0);
	assert_int_equal(disk_write(c->disk, 5, "data", 4, NULL), 0);
	say_request(c, 0, 0, 5, 4); /* READ */
	say_request(c, 0, 0, DISK - 1, 2); /* past the end */
	say_request(c, 0, 0, UINT64_MAX, 2);
	say_request(c, 0, 0, 0, 0);
	say_request(c, 0, 0, 0, 0xffffffff);
	say_request(c, 4, 0, 0, 1); /* DF without structured replies */
	say_request(c, 0, 7, 0, 1); /* BLOCK_STATUS, not agreed on */
	say_request(c, 0, 99, 0, 1);
	say_request(c, 0, 1, 0, 4); /* WRITE to a read-only export: its bytes are skipped */
	say(c, 0x25609513, 4);
	say_request(c, 0, 4, 0, 1); /* TRIM */
	say_request(c, 0, 3, 0, 0); /* FLUSH */
	say_request(c, 0, 0, DISK - 1, 1);
	say_request(c, 0, 2, 0, 0); /* DISC */
	say_request(c, 0, 0, 0, 1);
	play(c, false);
	c->at += 10;
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear(c, 4), 0x64617461);
	for (int i = 0; i < 7; i++)
		assert_int_equal(hear_simple(c), 22);
	assert_int_equal(hear_simple(c), 1);
	assert_int_equal(hear_simple(c), 1);
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear(c, 1), 0);
	heard_all(c);
}

static void writes_reach_the_disk(void **state)
{
	struct conversation *c = *state;
	uint8_t got[8];

	say_option(c, 1, "", 0);
	say_request(c, 1, 1, 100, 4); /* WRITE with FUA */
	say(c, 0xcafebabe, 4);
	say_request(c, 0, 1, 104, 4);
	say(c, 0x01020304, 4);
	say_request(c, 2, 6, 105, 2); /* WRITE_ZEROES with NO_HOLE */
	say_request(c, 2, 1, 0, 1); /* WRITE with NO_HOLE */
	say(c, 1, 1);
	say_request(c, 0, 1, DISK - 1, 2);
	say(c, 1, 2);
	play(c, true);
	c->at += 10;
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear_simple(c), 22);
	assert_int_equal(hear_simple(c), 28);
	heard_all(c);
	assert_int_equal(disk_read(c->disk, 100, got, 8, NULL), 0);
	assert_memory_equal(got, "\xca\xfe\xba\xbe\1\0\0\4", 8);
	assert_int_equal(disk_read(c->disk, DISK - 1, got, 1, NULL), 0);
	assert_int_equal(got[0], 0);
}

/* 32 MiB are what a client may send at once; after more there is no telling where the next request
 * begins. */
static void a_write_that_is_too_long_ends_the_connection(void **state)
{
	struct conversation *c = *state;

	say_option(c, 1, "", 0);
	say_request(c, 0, 1, 0, 32 << 20);
	assert_int_equal(buffer_zeros(&c->say, 32 << 20, NULL), 0);
	say_request(c, 0, 1, 0, (32 << 20) + 1);
	assert_int_equal(buffer_zeros(&c->say, (32 << 20) + 1, NULL), 0);
	say_request(c, 0, 0, 0, 1);
	play(c, true);
	c->at += 10;
	assert_int_equal(hear_simple(c), 28);
	heard_all(c);
}

static void a_long_structured_read_comes_in_parts_unless_df(void **state)
{
	struct conversation *c = *state;
	unsigned flags = 0;
	uint32_t length;

	say_option(c, 8, "", 0);
	say_option(c, 7, "\0\0\0\0\0\0", 6);
	say_request(c, 0, 0, 1, DISK - 1);
	say_request(c, 4, 0, 0, DISK);
	play(c, false);
	assert_int_equal(hear_reply(c, 8), 1);
	assert_int_equal(hear_reply(c, 7), 3);
	assert_int_equal(hear_reply(c, 7), 1);
	for (uint64_t off = 1; off < DISK; off += length - 8) {
		assert_int_equal(flags, 0);
		assert_int_equal(hear_chunk(c, &flags, &length), 1);
		assert_in_range(length, 9, 8 + (1 << 20));
		assert_int_equal(hear(c, 8), off);
		c->at += length - 8;
	}
	assert_int_equal(flags, 1);
	assert_int_equal(hear_chunk(c, &flags, &length), 1);
	assert_int_equal(flags, 1);
	assert_int_equal(length, DISK + 8);
	c->at += length;
	heard_all(c);
}

enum { BAD = 1 << 20 };

/* Reads up to BAD, and no further. */
static int bad_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)d;
	if (off + len > BAD)
		return error_set(e, ERR_IO, "a bad spot");
	memset(buf, 'x', len);
	return 0;
}

static void bad_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops bad_ops = { .read = bad_read, .close = bad_close };

static void a_read_that_is_too_long_is_refused(void **state)
{
	static struct disk large = { .ops = &bad_ops, .size = 64 << 20 };
	struct conversation *c = *state;

	disk_close(c->disk);
	c->disk = &large;
	say_option(c, 1, "", 0);
	say_request(c, 0, 0, 0, (32 << 20) + 1);
	say_request(c, 0, 0, 0, 1);
	play(c, false);
	c->at += 10;
	assert_int_equal(hear_simple(c), 22);
	assert_int_equal(hear_simple(c), 0);
	assert_int_equal(hear(c, 1), 'x');
	heard_all(c);
}

static void a_bad_spot_is_told_to_who_can_be_told(void **state)
{
	static struct disk bad = { .ops = &bad_ops, .size = DISK };
	struct conversation *c = *state;
	unsigned flags;
	uint32_t length;

	disk_close(c->disk);
	c->disk = &bad;
	say_option(c, 8, "", 0);
	say_option(c, 7, "\0\0\0\0\0\0", 6);
	say_request(c, 0, 0, 0, BAD + 1); /* the part that can be read comes first */
	say_request(c, 4, 0, BAD, 1);
	say_request(c, 4, 0, 0, BAD + 1); /* in one part there is no room for the news */
	say_request(c, 0, 0, 0, 1);
	play(c, false);
	assert_int_equal(hear_reply(c, 8), 1);
	assert_int_equal(hear_reply(c, 7), 3);
	assert_int_equal(hear_reply(c, 7), 1);
	assert_int_equal(hear_chunk(c, &flags, &length), 1);
	assert_int_equal(length, BAD + 8);
	assert_int_equal(flags, 0);
	c->at += length;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hear_chunk(c, &flags, &length), 32769);
		assert_int_equal(flags, 1);
		assert_int_equal(length, 4 + 2 + 10);
		assert_int_equal(hear(c, 4), 5);
		assert_int_equal(hear(c, 2), 10);
		assert_memory_equal(c->heard.heard.data + c->at, "a bad spot", 10);
		c->at += 10;
	}
	assert_int_equal(hear_chunk(c, &flags, &length), 1);
	assert_int_equal(length, BAD + 1 + 8);
	assert_int_equal(c->heard.heard.len - c->at, BAD + 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conversation_open, conversation_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(go_tells_size_flags_and_block_sizes),
		TEST(export_name_is_padded_when_not_agreed_otherwise),
		TEST(options_that_are_wrong_get_an_error_and_the_next_is_heard),
		TEST(contexts_are_listed_and_chosen),
		TEST(a_long_option_ends_the_connection),
		TEST(unknown_client_flags_and_magics_end_the_connection),
		TEST(simple_replies_carry_reads_and_errors),
		TEST(writes_reach_the_disk),
		TEST(a_write_that_is_too_long_ends_the_connection),
		TEST(a_long_structured_read_comes_in_parts_unless_df),
		TEST(a_read_that_is_too_long_is_refused),
		TEST(a_bad_spot_is_told_to_who_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
