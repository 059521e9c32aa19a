#!/bin/sh
# join.sh [NAME@]HOST[:PORT] ...   joins CouchDB nodes into one cluster and makes the system databases.
#
# The first node leads. COUCHDB_USER and COUCHDB_PASSWORD are an administrator of every node; the nodes share one
# Erlang cookie, and each is named NAME@HOST (couchdb@HOST, unless said otherwise). It may run again at any time,
# and ends with 0 only when every node is a member.
set -eu
: "${COUCHDB_USER:?}" "${COUCHDB_PASSWORD:?}"
[ $# -gt 0 ] || { echo "usage: join.sh [NAME@]HOST[:PORT] ..." >&2; exit 2; }

name() { case $1 in *@*) echo "${1%%@*}" ;; *) echo couchdb ;; esac; }
address() { echo "${1#*@}"; }
host() { address "${1%%:*}"; }
port() { case $1 in *:*) echo "${1##*:}" ;; *) echo 5984 ;; esac; }
# The password goes in by a file that only we can read: the arguments of a process are open to everybody.
login=$(umask 077 && mktemp)
trap 'rm -f "$login"' EXIT
printf 'user = "%s:%s"\n' "$COUCHDB_USER" "$COUCHDB_PASSWORD" >"$login"
ask() {
    curl --silent --show-error --max-time 60 --config "$login" --header 'Content-Type: application/json' "$@"
}
setup() { ask --data-binary @- "http://$leader/_cluster_setup"; }

is_member() {
    ask "http://$leader/_membership" |
        sed 's/.*"cluster_nodes":\[\([^]]*\)\].*/\1/' | grep -q "\"$(name "$1")@$(host "$1")\""
}

first=$1
leader="$(host "$1"):$(port "$1")"
for node in "$@"; do
    tries=60
    until curl --silent --fail --output /dev/null --max-time 5 "http://$(host "$node"):$(port "$node")/_up"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "$node does not answer" >&2; exit 1; }
        sleep 1
    done
done

shift
for node in "$@"; do
    is_member "$node" && continue
    answer=$(setup <<BODY
{"action": "add_node", "host": "$(host "$node")", "port": "$(port "$node")", "name": "$(name "$node")",
 "username": "$COUCHDB_USER", "password": "$COUCHDB_PASSWORD"}
BODY
    )
    case $answer in
        *'"ok":true'*) echo "joined $node" ;;
        *) echo "$node could not join: $answer" >&2; exit 1 ;;
    esac
done

if ! ask "http://$leader/_cluster_setup" | grep -q '"cluster_finished"'; then
    answer=$(printf '{"action": "finish_cluster"}' | setup)
    case $answer in
        *'"ok":true'*) ;;
        *) echo "the cluster could not be finished: $answer" >&2; exit 1 ;;
    esac
fi
# The feed of changed databases is one of CouchDB's system databases that the set-up leaves out.
ask --request PUT --output /dev/null "http://$leader/_global_changes"
for node in "$first" "$@"; do
    is_member "$node" || { echo "$node is not a member of the cluster of $first" >&2; exit 1; }
done
ask "http://$leader/_membership"
