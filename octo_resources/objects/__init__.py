"""Object stores: where landing zones and file sources may be instead of a folder."""

from octo_resources.objects.store import Object, ObjectStore, StoreError, open_store, split_address

__all__ = ["Object", "ObjectStore", "StoreError", "open_store", "split_address"]
