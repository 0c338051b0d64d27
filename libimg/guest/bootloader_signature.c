/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The attribute certificate table of a PE image.  Microsoft, "PE Format", and "Windows Authenticode
 * Portable Executable Signature Format". */
#include <limits.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/bootloader.h"

enum {
	CERTIFICATE_HEADER = 8,
	CERTIFICATE_LIMIT = 16,
	SIGNER_LIMIT = 16,
	TYPE_PKCS7 = 2,
};

/* WIN_CERTIFICATE. */
struct certificate {
	le32 length; /* +0x0 with this header */
	le16 revision; /* +0x4 */
	le16 type; /* +0x6 */
};
_Static_assert(sizeof(struct certificate) == CERTIFICATE_HEADER, "certificate header");

static int issuer_add(const X509_NAME *name, struct strings *out, struct error *e)
{
	const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;
	int len = -1;
	int rc;

	if (at >= 0)
		len = ASN1_STRING_to_UTF8(
			&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0 || memchr(text, 0, (size_t)len)) {
		OPENSSL_free(text);
		return strings_add_new(out, "an issuer without a name", e);
	}
	rc = strings_add_new(out, (const char *)text, e);
	OPENSSL_free(text);
	return rc;
}

static int signers_add(const uint8_t *bytes, size_t len, struct strings *out, struct error *e)
{
	PKCS7 *p7 = d2i_PKCS7(NULL, &bytes, (long)len);
	STACK_OF(PKCS7_SIGNER_INFO) *signers = p7 && PKCS7_type_is_signed(p7)
		? PKCS7_get_signer_info(p7)
		: NULL;
	int rc = 0;

	for (int i = 0; signers && i < sk_PKCS7_SIGNER_INFO_num(signers) && i < SIGNER_LIMIT && !rc;
		i++) {
		const PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(signers, i);

		if (signer->issuer_and_serial && signer->issuer_and_serial->issuer)
			rc = issuer_add(signer->issuer_and_serial->issuer, out, e);
	}
	PKCS7_free(p7);
	return rc;
}

int authenticode_issuers(const uint8_t *bytes, size_t len, struct strings *out, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < CERTIFICATE_LIMIT && len >= CERTIFICATE_HEADER && !rc; i++) {
		struct certificate c;
		size_t size, step;

		memcpy(&c, bytes, sizeof(c));
		size = get_le32(c.length);
		if (size < CERTIFICATE_HEADER || size > len)
			break;
		if (get_le16(c.type) == TYPE_PKCS7)
			rc = signers_add(
				bytes + CERTIFICATE_HEADER, size - CERTIFICATE_HEADER, out, e);
		/* The next one begins at a multiple of 8. */
		step = size + (8 - size % 8) % 8;
		if (step > len)
			break;
		bytes += step;
		len -= step;
	}
	return rc;
}
