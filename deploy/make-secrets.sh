#!/bin/sh
# Makes the secrets of a new deployment, one file each, in deploy/secrets or in the given folder:
#   sh deploy/make-secrets.sh [folder] [host of the database]
# Containers read the files as a user of their own, so every user may read a file (0444), and only the owner may enter
# the folder (0700).
set -eu
folder=${1:-$(dirname "$0")/secrets}
host=${2:-mariadb}
if [ -e "$folder" ]; then
  echo "make-secrets: $folder is there already, and is left as it is" >&2
  exit 1
fi
mkdir -m 0700 "$folder"
password=$(openssl rand -hex 32)
printf '%s\n' "$password" > "$folder/database_password"
printf 'mariadb://mintgate:%s@%s:3306/mintgate\n' "$password" "$host" > "$folder/database_url"
openssl rand -hex 32 > "$folder/database_root_password"
openssl rand -base64 32 > "$folder/key_encryption_key"
openssl rand -hex 32 > "$folder/bootstrap_client_secret"
openssl rand -hex 32 > "$folder/metrics_token"
chmod 0444 "$folder"/*
echo "made in $folder: keep a copy of key_encryption_key apart from the backups of the database"
