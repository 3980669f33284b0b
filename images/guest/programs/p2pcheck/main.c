// SPDX-License-Identifier: GPL-2.0-only
/*
 * p2pcheck: moves file blocks between NVMe volumes and the memory of PCI peers,
 * directly and through the page cache, and compares every byte. It runs in a
 * Crossbar guest, told by a host what to do, or by hand.
 */
#include "file.h"
#include "options.h"
#include "peer.h"
#include "signals.h"
#include "suite.h"
#include "volume.h"

int main(int argc, char **argv)
{
	static struct options options;
	static struct volume volumes[ARGUMENTS_VOLUMES];
	static struct peer peers[ARGUMENTS_PEERS];
	unsigned int volume_count = 0, peer_count = 0;
	int code = options_parse(&options, argc, argv);

	if (code >= 0)
		return code;
	if (options.common.list)
		return suite_list(&options);

	signals_catch();
	code = EXIT_USAGE;
	for (; peer_count < options.common.peer_count; peer_count++)
		if (!peer_open(&peers[peer_count], &options.common.peers[peer_count]))
			goto close_peers;
	while (volume_count < options.common.volume_count) {
		bool ok = volume_open(&volumes[volume_count],
				      &options.common.volumes[volume_count]);

		/* Close what a failed one has opened as well. */
		volume_count++;
		if (!ok)
			goto close_volumes;
	}
	code = suite_run(&options, volumes, peers);
	files_close();

close_volumes:
	while (volume_count)
		volume_close(&volumes[--volume_count]);
close_peers:
	/* The one that failed may have got as far as a mapping. */
	for (peer_count = 0; peer_count < options.common.peer_count; peer_count++)
		peer_close(&peers[peer_count]);
	return code;
}
