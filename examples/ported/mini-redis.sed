s/\btokio::net\b/squall_probe::net/
