/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/checked.h"

enum { READ_SIZE = 1 << 20, KEY_BITS_LEAST = 2048 };

struct signing_key {
	EVP_PKEY *key;
};

static int openssl_error(struct error *e, const char *what)
{
	char reason[256];

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	ERR_clear_error();
	return error_set(e, ERR_IO, "%s: %s", what, reason);
}

/* A program that others start must not ask anybody. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int check_file(int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return error_errno(e, errno, "cannot look at it");
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_UNSUPPORTED, "it is no file");
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return error_set(e, ERR_REFUSED,
			"others than its owner may use the key (mode %03o): chmod 600 it",
			(unsigned)(st.st_mode & 0777));
	return 0;
}

static int check_key(const EVP_PKEY *key, struct error *e)
{
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return error_set(e, ERR_UNSUPPORTED,
			"it is no RSA key: images are signed with "
			"RSA-PSS only");
	if (EVP_PKEY_get_bits(key) < KEY_BITS_LEAST)
		return error_set(e, ERR_REFUSED, "it has %d bits: at least %d are needed",
			EVP_PKEY_get_bits(key), KEY_BITS_LEAST);
	return 0;
}

static int read_key(FILE *file, EVP_PKEY **out, struct error *e)
{
	EVP_PKEY *key;
	int rc;

	ERR_clear_error();
	key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
	ERR_clear_error();
	if (!key)
		return error_set(e, ERR_UNSUPPORTED,
			"it is no private key in PEM, or one with a passphrase");
	rc = check_key(key, e);
	if (rc)
		EVP_PKEY_free(key);
	else
		*out = key;
	return rc;
}

static int open_key(const char *path, EVP_PKEY **out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file;
	int rc;

	if (fd < 0)
		return error_errno(e, errno, "cannot open");
	rc = check_file(fd, e);
	file = rc ? NULL : fdopen(fd, "r");
	if (!rc && !file)
		rc = error_errno(e, errno, "cannot read");
	if (!rc)
		rc = read_key(file, out, e);
	if (file)
		fclose(file);
	else
		close(fd);
	return rc;
}

int signing_key_open(const char *path, struct signing_key **out, struct error *e)
{
	struct signing_key *k = calloc(1, sizeof(*k));
	int rc = k ? open_key(path, &k->key, e) : error_nomem(e, "a key");

	if (rc) {
		free(k);
		return error_prefix(e, "%s", path);
	}
	*out = k;
	return 0;
}

void signing_key_close(struct signing_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

/* SHA-256 and the longest salt that the key has room for, as cursive expects both of MGF1 and PSS.
 */
static bool start(EVP_MD_CTX *ctx, EVP_PKEY *key)
{
	EVP_PKEY_CTX *options;

	return EVP_DigestSignInit(ctx, &options, EVP_sha256(), NULL, key) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
		EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha256()) > 0 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_MAX) > 0;
}

static int add_content(EVP_MD_CTX *ctx, struct disk *file, struct error *e)
{
	uint8_t *bytes = malloc(READ_SIZE);
	int rc = bytes ? 0 : error_nomem(e, "reading");

	for (uint64_t off = 0; !rc && off < file->size; off += READ_SIZE) {
		size_t len = (size_t)min_u64(READ_SIZE, file->size - off);

		rc = disk_read(file, off, bytes, len, e);
		if (!rc && EVP_DigestSignUpdate(ctx, bytes, len) <= 0)
			rc = openssl_error(e, "cannot sign");
	}
	free(bytes);
	return rc;
}

/* In base64, for free(). */
static int finish(EVP_MD_CTX *ctx, char **out, struct error *e)
{
	uint8_t *raw = NULL;
	char *text = NULL;
	size_t len;
	int rc = EVP_DigestSignFinal(ctx, NULL, &len) > 0 ? 0 : openssl_error(e, "cannot sign");

	if (!rc) {
		raw = malloc(len);
		text = malloc(len / 3 * 4 + 5);
		rc = raw && text ? 0 : error_nomem(e, "a signature");
	}
	if (!rc && EVP_DigestSignFinal(ctx, raw, &len) <= 0)
		rc = openssl_error(e, "cannot sign");
	if (!rc) {
		EVP_EncodeBlock((unsigned char *)text, raw, (int)len);
		*out = text;
		text = NULL;
	}
	free(text);
	free(raw);
	return rc;
}

static int sign(const struct signing_key *k, struct disk *file, char **out, struct error *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = ctx ? 0 : error_nomem(e, "a signature");

	if (!rc && !start(ctx, k->key))
		rc = openssl_error(e, "cannot sign");
	if (!rc)
		rc = add_content(ctx, file, e);
	if (!rc)
		rc = finish(ctx, out, e);
	EVP_MD_CTX_free(ctx);
	return rc;
}

int image_sign(const struct signing_key *k, struct disk *file, const char *certificate,
	json_t *body, struct error *e)
{
	char *signature;
	int failed;
	int rc = sign(k, file, &signature, e);

	if (rc)
		return rc;
	failed = json_object_set_new(body, "img_signature", json_string(signature)) ||
		json_object_set_new(body, "img_signature_hash_method", json_string("SHA-256")) ||
		json_object_set_new(body, "img_signature_key_type", json_string("RSA-PSS")) ||
		json_object_set_new(
			body, "img_signature_certificate_uuid", json_string(certificate));
	free(signature);
	return failed ? error_nomem(e, "a signature") : 0;
}
