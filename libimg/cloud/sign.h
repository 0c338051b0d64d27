/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_SIGN_H
#define LIBIMG_CLOUD_SIGN_H

#include <jansson.h>

#include "disk/disk.h"

/* Signs images for Glance and Nova, which verify as cursive does (signature_utils.py). */
struct signing_key;

/*
 * Reads an RSA key in PEM without a passphrase.  ERR_REFUSED when others than its owner can read
 * the file.
 */
int signing_key_open(const char *path, struct signing_key **out, struct error *e);
void signing_key_close(struct signing_key *k);

/*
 * Signs the bytes of `file` and puts the four img_signature properties into `body`.  `certificate`
 * is the UUID by which the cloud's key manager knows the key's certificate.
 */
int image_sign(const struct signing_key *k, struct disk *file, const char *certificate,
	json_t *body, struct error *e);

#endif
