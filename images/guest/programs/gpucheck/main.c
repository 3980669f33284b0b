// SPDX-License-Identifier: GPL-2.0-only
/*
 * gpucheck: has a peer GPU work on memory of every kind, by this program's own
 * pointers, while that memory comes and goes, and compares every byte. It runs
 * in a Crossbar guest, told by a host what to do, or by hand.
 */
#include <malloc.h>
#include <stdlib.h>

#include "file.h"
#include "options.h"
#include "process.h"
#include "signals.h"
#include "suite.h"
#include "units.h"
#include "volume.h"

int main(int argc, char **argv)
{
	static struct options options;
	static struct volume volumes[ARGUMENTS_VOLUMES];
	unsigned int count = 0;
	int code = -1;

	if (after_exec(&code))
		return code;
	code = options_parse(&options, argc, argv);
	if (code >= 0)
		return code;
	if (options.common.list)
		return suite_list(&options);

	signals_catch();
	/* What malloc() gives is to be the heap, however much it is. */
	mallopt(M_MMAP_THRESHOLD, (int)MIB(32));
	code = EXIT_USAGE;
	while (count < options.common.volume_count) {
		bool ok = volume_open(&volumes[count],
				      &options.common.volumes[count]);

		/* Close what a failed one has opened as well. */
		count++;
		if (!ok)
			goto close_volumes;
	}
	code = suite_run(&options, volumes);
	files_close();

close_volumes:
	while (count)
		volume_close(&volumes[--count]);
	return code;
}
