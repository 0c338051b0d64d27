/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"

enum { RECORDS = 4096 };

/* Where the first pass placed a piece. */
struct record {
	le64 file_off;
	le64 guest_off;
	le32 len;
};

struct stream {
	struct writer writer; /* of the second pass; first, so that it is found again */
	struct output *tables; /* all that the container's writer wrote itself */
	struct output *places; /* the records, one after the other */
	struct record *record; /* a window on them */
	uint64_t count; /* records in all */
	uint64_t next; /* the next one to write, or to read */
	const struct stream_sink *sink;
	struct digests *digests;
	uint8_t *gap; /* a unit */
	uint64_t sent; /* bytes of the container */
};

static int records_flush(struct stream *s, struct error *e)
{
	size_t used = (size_t)(s->count % RECORDS);

	if (!used)
		used = RECORDS;
	return output_write(s->places, (s->count - used) * sizeof(struct record), s->record,
		used * sizeof(struct record), e);
}

/* First pass. */
static int block_record(void *arg, const struct block *b, struct error *e)
{
	struct stream *s = arg;
	int rc = 0;

	for (size_t i = 0; !rc && i < b->pieces; i++) {
		const struct piece *p = &b->piece[i];

		if (p->bytes < b->data || p->bytes + p->len > b->data + b->len)
			return error_set(
				e, ERR_USAGE, "compressed data is not sent to a pipe: name a file");
		s->record[s->count++ % RECORDS] = (struct record){
			put_le64(p->file_off),
			put_le64(b->off + (uint64_t)(p->bytes - b->data)),
			put_le32((uint32_t)p->len),
		};
		if (s->count % RECORDS == 0)
			rc = records_flush(s, e);
	}
	return rc;
}

static int bytes_send(struct stream *s, const void *bytes, size_t len, struct error *e)
{
	int rc;

	digests_add(s->digests, bytes, len);
	rc = s->sink->write(s->sink->arg, bytes, len, e);
	/* The caller's bytes may change after this, so the digests must be done with them. */
	digests_add(s->digests, "", 0);
	s->sent += len;
	return rc;
}

/* What lies between pieces: tables, and zeros. */
static int gap_send(struct stream *s, uint64_t until, struct error *e)
{
	int rc = 0;

	while (!rc && s->sent < until) {
		size_t len = (size_t)min_u64(UNIT_SIZE, until - s->sent);

		rc = output_read(s->tables, s->sent, s->gap, len, e);
		if (!rc)
			rc = bytes_send(s, s->gap, len, e);
	}
	return rc;
}

static int record_next(struct stream *s, struct record *out, struct error *e)
{
	uint64_t at = s->next % RECORDS;

	if (at == 0) {
		size_t len = (size_t)min_u64(RECORDS, s->count - s->next) * sizeof(*out);
		int rc = output_read(s->places, s->next * sizeof(*out), s->record, len, e);

		if (rc)
			return rc;
	}
	*out = s->record[at];
	return 0;
}

/* Second pass: the pieces of this block, each after what lies before it. */
static int block_send(struct writer *w, struct block *b, struct error *e)
{
	struct stream *s = (struct stream *)w;

	while (s->next < s->count) {
		uint64_t file_off, guest_off, len;
		struct record r;
		int rc = record_next(s, &r, e);

		if (rc)
			return rc;
		file_off = get_le64(r.file_off);
		guest_off = get_le64(r.guest_off);
		len = get_le32(r.len);
		if (guest_off >= b->off + b->len)
			break;
		if (guest_off < b->off || !range_fits(guest_off - b->off, len, b->len) ||
			file_off < s->sent)
			return error_set(e, ERR_CORRUPT,
				"the source changed between two passes at %llu",
				(unsigned long long)b->off);
		rc = gap_send(s, file_off, e);
		if (!rc)
			rc = bytes_send(s, b->data + (guest_off - b->off), (size_t)len, e);
		if (rc)
			return rc;
		s->next++;
	}
	return 0;
}

static int rest_send(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct stream *s = (struct stream *)w;

	(void)c;
	if (s->next != s->count)
		return error_set(e, ERR_CORRUPT, "the source changed between two passes");
	return gap_send(s, w->file_size, e);
}

static const struct writer_ops send_ops = { .place = block_send, .finish = rest_send };

static int already_taken(void *arg, const struct block *b, struct error *e)
{
	(void)arg;
	(void)b;
	(void)e;
	return 0;
}

static int tables_make(struct stream *s, struct disk *source, const struct format *format,
	const struct image_spec *spec, const struct convert_options *o,
	struct convert_result *result, struct error *e)
{
	struct convert_options first = {
		.threads = o->threads,
		.placed = block_record,
		.placed_arg = s,
		.parent = o->parent,
	};
	struct writer *writer;
	int rc = format->create(spec, s->tables, &writer, e);

	if (rc)
		return rc;
	rc = convert(source, writer, s->tables, &first, result, e);
	s->writer.unit = writer->unit;
	s->writer.file_size = result->file_size;
	writer->ops->close(writer);
	if (!rc && s->count)
		rc = records_flush(s, e);
	return rc;
}

static int all_send(struct stream *s, struct disk *source, const struct convert_options *o,
	const struct convert_result *made, struct error *e)
{
	struct convert_options second = *o;
	struct convert_result sent;
	int rc;

	s->writer.ops = &send_ops;
	second.placed = already_taken;
	rc = convert(source, &s->writer, s->tables, &second, &sent, e);
	if (!rc && memcmp(sent.content.digest, made->content.digest, FAST_DIGEST_SIZE) != 0)
		rc = error_set(e, ERR_CORRUPT, "the source changed between two passes");
	return rc;
}

static int stream_open(
	struct stream *s, const char *tmpdir, const struct strings *algorithms, struct error *e)
{
	int rc = output_scratch_open(tmpdir, &s->tables, e);

	if (!rc)
		rc = output_scratch_open(tmpdir, &s->places, e);
	if (!rc)
		rc = digests_open(
			&s->digests, (const char *const *)algorithms->item, algorithms->count, e);
	if (rc)
		return rc;
	s->record = calloc(RECORDS, sizeof(*s->record));
	s->gap = malloc(UNIT_SIZE);
	return s->record && s->gap ? 0 : error_nomem(e, "a stream");
}

int stream(struct disk *source, const struct format *format, const struct image_spec *spec,
	const char *tmpdir, const struct stream_sink *sink, const struct convert_options *o,
	const struct strings *algorithms, struct convert_result *result, struct hash_values *hash,
	struct error *e)
{
	struct stream s = { .sink = sink };
	int rc = stream_open(&s, tmpdir, algorithms, e);

	if (!rc)
		rc = tables_make(&s, source, format, spec, o, result, e);
	if (!rc && sink->begin)
		rc = sink->begin(sink->arg, result->file_size, e);
	if (!rc)
		rc = all_send(&s, source, o, result, e);
	if (!rc)
		digests_finish(s.digests, hash->hex);
	digests_close(s.digests);
	output_close(s.tables);
	output_close(s.places);
	free(s.record);
	free(s.gap);
	return rc;
}
