/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/driver_catalog.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/digest.h"

enum {
	MEMBERS_MAX = 1 << 18,
	SHA1_SIZE = 20,
	SHA256_SIZE = 32,
	CHECKSUM_AT = 64, /* in a PE optional header */
	CERTIFICATES_DIRECTORY = 4, /* its number among the data directories */
	DIRECTORY_SIZE = 8,
};

static const char ctl_oid[] = "1.3.6.1.4.1.311.10.1"; /* szOID_CTL */
/* SPC_INDIRECT_DATA_OBJID, 1.3.6.1.4.1.311.2.1.4 */
static const uint8_t indirect_oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
	0x04 };

/* Some DER. */
struct der {
	const unsigned char *at;
	size_t len;
};

/* Takes the next element off the front; false: there is none, or it is broken.  Tags are of the
 * universal class; others have their class in *tag, so that they are none of these. */
static bool der_next(struct der *in, int *tag, struct der *content)
{
	const unsigned char *at = in->at;
	int class;
	long len;
	int flags;

	if (!in->len || in->len > LONG_MAX)
		return false;
	flags = ASN1_get_object(&at, &len, tag, &class, (long)in->len);
	/* 0x80: an error; 1: of indefinite length, which is not DER. */
	if (flags & 0x81 || len < 0)
		return false;
	*tag |= class;
	*content = (struct der){ at, (size_t)len };
	in->len -= (size_t)(at + len - in->at);
	in->at = at + len;
	return true;
}

/* Passes over elements up to one of that tag. */
static bool der_find(struct der *in, int wanted, struct der *content)
{
	int tag;

	while (der_next(in, &tag, content))
		if (tag == wanted)
			return true;
	return false;
}

static int member_add(struct driver_catalog *c, struct der digest, struct error *e)
{
	char hex[2 * SHA256_SIZE + 1];

	if (digest.len != SHA1_SIZE && digest.len != SHA256_SIZE)
		return 0;
	if (c->digests.count == MEMBERS_MAX)
		return error_set(e, ERR_RANGE, "more than %d members", MEMBERS_MAX);
	for (size_t i = 0; i < digest.len; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest.at[i]);
	return strings_add(&c->digests, hex, e);
}

/* Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF value }, where the value is
 * SpcIndirectDataContent ::= SEQUENCE { data, messageDigest SEQUENCE { algorithm, OCTET STRING } }
 */
static int attribute_read(struct driver_catalog *c, struct der attribute, struct error *e)
{
	struct der oid, set, data, part, digest;

	if (!der_find(&attribute, V_ASN1_OBJECT, &oid) || oid.len != sizeof(indirect_oid) ||
		memcmp(oid.at, indirect_oid, oid.len) || !der_find(&attribute, V_ASN1_SET, &set) ||
		!der_find(&set, V_ASN1_SEQUENCE, &data) ||
		!der_find(&data, V_ASN1_SEQUENCE, &part) ||
		!der_find(&data, V_ASN1_SEQUENCE, &part) ||
		!der_find(&part, V_ASN1_OCTET_STRING, &digest))
		return 0;
	return member_add(c, digest, e);
}

/* TrustedSubject ::= SEQUENCE { identifier OCTET STRING, attributes SET OF Attribute } */
static int member_read(struct driver_catalog *c, struct der member, struct error *e)
{
	struct der set, attribute;
	int rc = 0;

	if (!der_find(&member, V_ASN1_SET, &set))
		return 0;
	while (!rc && der_find(&set, V_ASN1_SEQUENCE, &attribute))
		rc = attribute_read(c, attribute, e);
	return rc;
}

/* CertificateTrustList ::= SEQUENCE { [version INTEGER,] usage SEQUENCE, [identifier OCTET STRING,]
 * [number INTEGER,] this update Time, [next update Time,] algorithm SEQUENCE, members SEQUENCE OF
 * TrustedSubject, ... } */
static int list_read(struct driver_catalog *c, struct der list, struct error *e)
{
	struct der body, part, member;
	int rc = 0;

	if (!der_find(&list, V_ASN1_SEQUENCE, &body) || !der_find(&body, V_ASN1_SEQUENCE, &part) ||
		!der_find(&body, V_ASN1_SEQUENCE, &part) ||
		!der_find(&body, V_ASN1_SEQUENCE, &part))
		return error_set(e, ERR_CORRUPT, "it has no list of members");
	while (!rc && der_find(&part, V_ASN1_SEQUENCE, &member))
		rc = member_read(c, member, e);
	return rc;
}

static int signed_list(const PKCS7 *p7, struct der *out, struct error *e)
{
	char oid[64] = "";
	const PKCS7 *contents;

	if (!p7 || !PKCS7_type_is_signed(p7) || !p7->d.sign || !p7->d.sign->contents)
		return error_set(e, ERR_CORRUPT, "it is no PKCS #7 message with signatures");
	contents = p7->d.sign->contents;
	OBJ_obj2txt(oid, sizeof(oid), contents->type, 1);
	if (strcmp(oid, ctl_oid) || !contents->d.other ||
		contents->d.other->type != V_ASN1_SEQUENCE)
		return error_set(
			e, ERR_CORRUPT, "what is signed is no list of files, but \"%s\"", oid);
	if (!p7->d.sign->signer_info || !sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info))
		return error_set(e, ERR_CORRUPT, "nobody signed it");
	*out = (struct der){ contents->d.other->value.sequence->data,
		(size_t)contents->d.other->value.sequence->length };
	return 0;
}

int driver_catalog_read(const struct buffer *bytes, struct driver_catalog *out, struct error *e)
{
	const unsigned char *at = bytes->data;
	PKCS7 *p7 = bytes->len > LONG_MAX ? NULL : d2i_PKCS7(NULL, &at, (long)bytes->len);
	struct driver_catalog c = { 0 };
	struct der list;
	int rc = signed_list(p7, &list, e);

	if (!rc)
		rc = list_read(&c, list, e);
	PKCS7_free(p7);
	ERR_clear_error();
	strings_sort(&c.digests);
	if (rc)
		driver_catalog_free(&c);
	else
		*out = c;
	return rc;
}

void driver_catalog_free(struct driver_catalog *c)
{
	strings_free(&c->digests);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_listed(const struct driver_catalog *c, const char *hex)
{
	return c->digests.count &&
		bsearch(&hex, c->digests.item, c->digests.count, sizeof(*c->digests.item),
			text_compare);
}

/* Where the bytes are that a signature does not cover. */
struct holes {
	size_t start[3], end[3];
	unsigned count;
};

/* The checksum, the directory entry of the certificates, and these. */
static struct holes image_holes(const struct buffer *bytes, const struct pe *pe)
{
	const size_t directories = pe->optional + (pe->is_64 ? 112U : 96U);
	const size_t entry = directories + CERTIFICATES_DIRECTORY * DIRECTORY_SIZE;
	struct holes h = { .count = 0 };
	le32 count;

	memcpy(&count, bytes->data + directories - sizeof(count), sizeof(count));
	h.start[h.count] = pe->optional + CHECKSUM_AT;
	h.end[h.count] = h.start[h.count] + 4;
	h.count++;
	if (get_le32(count) > CERTIFICATES_DIRECTORY && entry + DIRECTORY_SIZE <= bytes->len) {
		h.start[h.count] = entry;
		h.end[h.count] = entry + DIRECTORY_SIZE;
		h.count++;
	}
	if (pe->certificate_size) {
		h.start[h.count] = pe->certificate_offset;
		h.end[h.count] = (size_t)pe->certificate_offset + pe->certificate_size;
		h.count++;
	}
	return h;
}

/* `padded`: as if zeros followed up to a multiple of eight, as signing tools add them. */
static int covered_digest(const char *algorithm, const struct buffer *bytes, const struct holes *h,
	bool padded, char hex[DIGEST_HEX_MAX], struct error *e)
{
	static const uint8_t zeros[8];
	struct digest *d;
	size_t at = 0;
	int rc = digest_open(&d, algorithm, e);

	if (rc)
		return rc;
	for (unsigned i = 0; i < h->count; i++) {
		if (h->start[i] > at)
			digest_add(d, bytes->data + at, h->start[i] - at);
		at = h->end[i];
	}
	digest_add(d, bytes->data + at, bytes->len - at);
	if (padded)
		digest_add(d, zeros, (size_t)round_up(bytes->len, 8) - bytes->len);
	digest_hex(d, hex);
	digest_close(d);
	return 0;
}

int driver_catalog_has(const struct driver_catalog *c, const struct buffer *bytes,
	const struct pe *pe, bool *answer, struct error *e)
{
	static const char *const algorithms[] = { "sha1", "sha256" };
	const struct holes none = { .count = 0 };
	const struct holes image = pe ? image_holes(bytes, pe) : none;
	char hex[DIGEST_HEX_MAX];
	bool found = false;
	int rc = 0;

	for (size_t i = 0; !rc && !found && i < 2; i++) {
		rc = covered_digest(algorithms[i], bytes, &none, false, hex, e);
		found = !rc && is_listed(c, hex);
		for (unsigned padded = 0; !rc && !found && pe && padded < 2; padded++) {
			rc = covered_digest(algorithms[i], bytes, &image, padded, hex, e);
			found = !rc && is_listed(c, hex);
		}
	}
	*answer = found;
	return rc;
}
