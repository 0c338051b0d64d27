/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_PE_H
#define LIBIMG_GUEST_PE_H

#include "guest/initramfs.h"

/*
 * The headers of a PE32 or PE32+ image, as UEFI loads it (PE Format; UEFI 2.10, section 2.1.1).
 * Only headers are read, however large the image is.
 */

enum { PE_SECTION_LIMIT = 96 }; /* more no loader takes */

struct pe_section {
	char name[9]; /* ".initrd" */
	uint32_t address; /* where it is loaded, from the image's base */
	uint32_t memory_size; /* VirtualSize */
	uint32_t offset, size; /* in the file; it is inside it.  size 0: nothing stored */
	bool code; /* its bytes are run */
};

struct pe {
	uint64_t size; /* of the file */
	uint16_t machine; /* PE_MACHINE_... */
	bool is_64; /* PE32+ */
	uint16_t subsystem; /* 10: an EFI application */
	uint32_t header; /* file offset of "PE\0\0" */
	uint32_t optional; /* of the optional header */
	uint32_t table; /* of the section table */
	uint32_t section_alignment, file_alignment; /* powers of two */
	uint32_t image_size, headers_size, checksum;
	/* Attribute certificate table: inside the file, a multiple of 8 at least 8 long; 0: none.
	 */
	uint32_t certificate_offset, certificate_size;
	struct pe_section *section; /* in the table's order */
	size_t section_count;
};

enum { PE_MACHINE_I386 = 0x14c, PE_MACHINE_X86_64 = 0x8664, PE_MACHINE_ARM64 = 0xaa64 };

/* ERR_CORRUPT, with the number, when it is none or what its headers say can't be.  pe_free frees.
 */
int pe_read(const struct initramfs_source *source, struct pe *out, struct error *e);
/* NULL: no such section; the first of that name. */
const struct pe_section *pe_section(const struct pe *pe, const char *name);
void pe_free(struct pe *pe);

#endif
