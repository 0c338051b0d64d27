/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ntfs-flips COUNT: that many volumes with a few bytes changed, the same ones each time, through
 * what tests/fuzz/fuzz_ntfs.c does with them; a volume that takes longer than 20 s ends the
 * program. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static uint32_t draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Where structures keep numbers, and what numbers go wrong by. */
static size_t change(uint64_t *state, uint8_t *to)
{
	static const uint8_t bytes[] = { 0, 1, 0x10, 0x7f, 0x80, 0xff };
	uint32_t sector = draw(state),
		 at = draw(state) % 2 ? draw(state) % 64 * 8 : draw(state) % 512;
	size_t count = draw(state) % 3 ? 1 : draw(state) % 8 + 1;

	to[0] = (uint8_t)sector;
	to[1] = (uint8_t)(sector >> 8);
	to[2] = (uint8_t)at;
	to[3] = (uint8_t)(at >> 8);
	to[4] = (uint8_t)(count - 1);
	for (size_t i = 0; i < count; i++)
		to[5 + i] = draw(state) % 2 ? (uint8_t)draw(state)
					    : bytes[draw(state) % sizeof(bytes)];
	return 5 + count;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 0; i < atoi(argv[1]); i++) {
		uint64_t state = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1;
		uint8_t input[64];
		size_t len = change(&state, input);

		if (i % 2)
			len += change(&state, input + len);
		printf("%d\n", i);
		fflush(stdout);
		alarm(20);
		LLVMFuzzerTestOneInput(input, len);
	}
	return 0;
}
