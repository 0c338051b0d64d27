/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_BOOTLOADER_H
#define LIBIMG_GUEST_BOOTLOADER_H

#include "guest/guest_image.h"

/*
 * Who signed a PE image: the CN of the issuer of each signer's certificate, in the order of the
 * certificate table, none twice.  `bytes` is that table.  What is no Authenticode signature is
 * passed over.  Nothing is verified: that is firmware's to do.
 */
int authenticode_issuers(const uint8_t *bytes, size_t len, struct strings *out, struct error *e);

/* What is known of one PE image. */
struct loader {
	const char *kind; /* as in struct bootloader */
	uint16_t machine; /* as in struct pe, 0: not known */
	bool is_signed;
	struct strings issuer;
};
/* A file that is no PE image, or a broken one, is of kind "other" and not signed. */
int loader_read(struct tree *t, const char *path, struct loader *out, struct error *e);
void loader_free(struct loader *l);
/* Whether firmware that trusts what Microsoft signs would start it. */
bool loader_is_trusted(const struct loader *l);

/* Fills g->guest.bootloader: what is on the EFI system partition, and what a BIOS would start. */
int bootloaders_load(struct guest_image *g, struct error *e);

#endif
