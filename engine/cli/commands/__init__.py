"""The commands of ``assay``, each imported when it is used."""
