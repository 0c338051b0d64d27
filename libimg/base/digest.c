/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct digest {
	EVP_MD_CTX *ctx;
};

/* By name libcrypto would look among all that it knows, and not find one that it had no memory for.
 */
static const EVP_MD *algorithm_find(const char *name)
{
	static const struct {
		const char *name;
		const EVP_MD *(*get)(void);
	} known[] = { { "md5", EVP_md5 }, { "sha1", EVP_sha1 }, { "sha224", EVP_sha224 },
		{ "sha256", EVP_sha256 }, { "sha384", EVP_sha384 }, { "sha512", EVP_sha512 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i].name))
			return known[i].get();
	return NULL;
}

/* A host in FIPS mode has no md5, which is "unsupported".  An algorithm that libcrypto has and
 * cannot start had no memory for its state, which is not always told. */
static int refused(const char *algorithm, struct error *e)
{
	unsigned long next, last = 0;
	bool shortage = false;

	while ((next = ERR_get_error())) {
		shortage = shortage || ERR_GET_REASON(next) == ERR_R_MALLOC_FAILURE ||
			ERR_GET_REASON(next) == EVP_R_INITIALIZATION_ERROR;
		last = next;
	}
	if (shortage || !last)
		return error_nomem(e, "a digest");
	return error_set(e, ERR_REFUSED, "libcrypto refuses digest %s: %s", algorithm,
		ERR_reason_error_string(last));
}

int digest_open(struct digest **out, const char *algorithm, struct error *e)
{
	const EVP_MD *md = algorithm_find(algorithm);
	struct digest *d;

	if (!md)
		return error_set(e, ERR_UNSUPPORTED,
			"no digest called %s; there are md5, sha1, sha256 and sha512", algorithm);
	d = calloc(1, sizeof(*d));
	if (!d)
		return error_nomem(e, "a digest");
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || !EVP_DigestInit_ex(d->ctx, md, NULL)) {
		digest_close(d);
		return refused(algorithm, e);
	}
	*out = d;
	return 0;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
	EVP_DigestUpdate(d->ctx, bytes, len);
}

void digest_hex(struct digest *d, char hex[DIGEST_HEX_MAX])
{
	uint8_t value[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	EVP_DigestFinal_ex(d->ctx, value, &len);
	hex[0] = 0;
	for (unsigned i = 0; i < len; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", value[i]);
}

void digest_close(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

int digest_bytes(const char *algorithm, const void *bytes, size_t len, char hex[DIGEST_HEX_MAX],
	struct error *e)
{
	struct digest *d;
	int rc = digest_open(&d, algorithm, e);

	if (rc)
		return rc;
	digest_add(d, bytes, len);
	digest_hex(d, hex);
	digest_close(d);
	return 0;
}

void fast_digest(const void *bytes, size_t len, uint8_t out[FAST_DIGEST_SIZE])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, len));
	memcpy(out, canonical.digest, FAST_DIGEST_SIZE);
}
