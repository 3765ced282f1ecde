/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target once for each file of a corpus, without libFuzzer. TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
	static uint8_t data[MAX_SIZE];
	unsigned files = 0;
	struct dirent *e;
	char path[4096];
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	LLVMFuzzerTestOneInput(data, 0);
	while ((e = readdir(dir))) {
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		f = fopen(path, "rbe");
		if (!f)
			continue;
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), f));
		fclose(f);
		files++;
	}
	closedir(dir);
	/* a finding is a crash: there is no point then, and the runner says so */
	printf("%s 1 - %u inputs replayed\n1..1\n", files ? "ok" : "not ok", files);
	return files ? 0 : 1;
}
