"""Uploads one file with the unmodified tuspy client: URL TOKEN FILE SHA256 [UPLOAD].

With UPLOAD an earlier upload goes on. Prints the upload's address, then the offset after each chunk, then `done`; or
`refused STATUS` when the server refuses a chunk."""

import sys

from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

url, token, path, sha256 = sys.argv[1:5]
client = TusClient(url, headers={"Authorization": f"Bearer {token}"})
try:
    uploader = client.uploader(
        path,
        url=sys.argv[5] if len(sys.argv) > 5 else None,
        chunk_size=32 * 1024,
        metadata={"sha256": sha256, "kind": "clip", "filetype": "video/mp4"},
    )
    while uploader.offset < uploader.get_file_size():
        uploader.upload_chunk()
        print(uploader.url, uploader.offset, flush=True)
    print("done", flush=True)
except TusCommunicationError as error:
    print("refused", error.status_code, flush=True)
