/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What hvimg knows the name of, and does not open. */
#include <string.h>

#include "fs/fs.h"

int fs_unreadable(const char *type, struct error *e)
{
	static const struct {
		const char *type, *text;
	} kinds[] = {
		{ "crypto_LUKS",
			"it is encrypted with LUKS: decrypt it from inside the guest (cryptsetup "
			"reencrypt --decrypt), or copy what is in it to a volume without "
			"encryption" },
		{ "BitLocker",
			"it is encrypted with BitLocker: decrypt it from inside the guest "
			"(manage-bde "
			"-off)" },
		{ "ReFS",
			"hvimg does not read ReFS: copy what is in it to NTFS from inside the "
			"guest" },
		{ "LVM2_member",
			"it is a physical volume of LVM, whose logical volumes hold the files" },
		{ "linux_raid_member",
			"it is one device of a software array: move what is in it to a plain "
			"partition "
			"from inside the guest" },
		{ "swsuspend",
			"it holds a hibernated system, whose file systems are not to be changed "
			"either: "
			"start the guest and shut it down" },
		{ "swap", "it is swap space and holds no files" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].type, type))
			return error_set(e, ERR_UNSUPPORTED, "%s", kinds[i].text);
	return error_set(e, ERR_UNSUPPORTED, "%s is not a file system that hvimg reads", type);
}
