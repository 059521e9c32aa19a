#!/usr/bin/env bash
# Walks one demo case from a failed re-inspection to a closed notice, with curl, against `make run`.
# Usage: docs/walkthrough.sh [base address]. Changes the demo data, so it runs once on a fresh seed.
set -euo pipefail

BASE=${1:-http://127.0.0.1:8080}
NO=YK-2026-0365
PASSWORD=hezha-demo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n# %s\n' "$*"; }
pick() { python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
call() { # method path [json]; prints what it asks; the answer is in $work/answer
  local method=$1 path=$2
  printf '$ curl -X %s %s%s\n' "$method" "$path" "${3:+ -d '$(tr -s '[:space:]' ' ' <<< "$3" | cut -c1-90)…'}"
  curl -sS -X "$method" -H "Authorization: Bearer $TOKEN" -H 'Accept-Language: en' \
    ${3:+-H 'Content-Type: application/json' -d "$3"} "$BASE$path" > "$work/answer"
}
sign_in() { # user [tablet]
  local body="{\"username\":\"$1\",\"password\":\"$PASSWORD\"}"
  if [ $# -gt 1 ]; then body="${body%\}},\"device\":{\"name\":\"$2\"}}"; fi
  TOKEN=$(curl -sS -X POST -H 'Content-Type: application/json' -d "$body" "$BASE/api/v1/auth/login" |
    pick 'd["access_token"]')
}

say "The manager signs in and asks for energization"
sign_in manager1
call GET "/api/v1/cases?q=$NO"
CASE=$(pick 'd["items"][0]["id"]' < "$work/answer")
call POST "/api/v1/cases/$CASE/energization/authorize" '{}'
pick '"%s %s: %s…" % (d["status"], d["code"], d["detail"][:100])' < "$work/answer"

say "One notice is in its second round, for one item that failed again"
call GET "/api/v1/cases/$CASE/notices"
N=$(pick 'd["items"][0]["n"]' < "$work/answer")
pick '"\n".join("notice %s: %s, round %s\n%s" % (n["n"], n["state"], n["round"], "\n".join("  %s %-8s %s | %s" % (i["result"]["code"], i["state"], i["result"]["text"]["en"], i["result"]["reason"]["en"]) for i in n["items"])) for n in d["items"])' < "$work/answer"

say "The customer answers, the manager sends an inspector again: for exactly the open item"
call POST "/api/v1/cases/$CASE/notices/$N/answer" \
  '{"answered_by":"客户","items":{"ME-05":{"text":"重新开挖,埋深 0.85 m"}}}'
call POST "/api/v1/cases/$CASE/notices/$N/reinspect" '{"assignees":["inspector1"]}'
TASK=$(pick 'd["reinspections"][-1]' < "$work/answer")
call GET "/api/v1/cases/$CASE/tasks/$TASK"
pick '"task %s: %s, items %s" % (d["kind"], d["status"], d["items"])' < "$work/answer"

say "The inspector's tablet learns of it, and sends the form before its photo"
curl -sS -H "Authorization: Bearer $TOKEN" "$BASE/api/v1/cases/$CASE/photos" > "$work/photos"
PICTURE=$(pick 'd["items"][-1]["id"]' < "$work/photos")
curl -sS -H "Authorization: Bearer $TOKEN" "$BASE/api/v1/photos/$PICTURE?size=original" > "$work/photo.jpg"
sign_in inspector1 "tablet 7"
call GET /api/v1/sync/session
FORMS=$(pick "next(c['forms'] for c in d['cases'] if c['id']=='$CASE')" < "$work/answer")
MEDIA=$(pick "next(c['media'] for c in d['cases'] if c['id']=='$CASE')" < "$work/answer")
INBOX=$(pick 'd["inbox"]' < "$work/answer")
call GET "/sync/$INBOX/assignment:$CASE"
pick '"inbox: case %s, tasks %s" % (d["no"], [t["kind"] + " " + t["status"] for t in d["tasks"]])' < "$work/answer"
NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)
PHOTO="walk-$(date +%s)"
call PUT "/sync/$FORMS/inspection:$TASK" "{\"type\":\"inspection\",\"schema\":1,\"task\":\"$TASK\",
  \"checklist\":{\"id\":\"intermediate-earthing-cable\",\"version\":1},\"status\":\"submitted\",
  \"submitted\":{\"by\":\"inspector1\",\"at\":\"$NOW\",\"device\":\"tablet 7\"},
  \"answers\":{\"ME-05\":{\"value\":0.85,\"photos\":[\"$PHOTO\"],\"by\":\"inspector1\",\"at\":\"$NOW\",
    \"location\":{\"lon\":121.9198,\"lat\":29.2204,\"accuracy_m\":6,\"datum\":\"wgs84\",\"at\":\"$NOW\"}}}}"
cat "$work/answer"

receipt() { # waits for the receipt of the form to be numbered $1, and tells it
  for _ in $(seq 50); do
    curl -sS -H "Authorization: Bearer $TOKEN" "$BASE/sync/$FORMS/receipt:$TASK:$1" > "$work/answer"
    if grep -q '"status"' "$work/answer"; then break; fi
    sleep 0.2
  done
  printf '$ curl %s\n' "/sync/$FORMS/receipt:$TASK:$1"
  pick '"receipt %s: %s, missing photos %s, failed %s" % (d["n"], d["status"], len(d["missing_photos"]), d["failed"])' < "$work/answer"
}
receipt 1

say "The photo follows; now the form is accepted"
SHA=$(sha256sum "$work/photo.jpg" | cut -d' ' -f1)
cat > "$work/photo.json" <<JSON
{"type":"photo","schema":1,"task":"$TASK","item":"ME-05","taken_at":"$NOW","sha256":"$SHA","width":640,"height":480,
 "device":"tablet 7","by":"inspector1","location":{"lon":121.9198,"lat":29.2204,"accuracy_m":6,"datum":"wgs84","at":"$NOW"},
 "_attachments":{"original":{"content_type":"image/jpeg","data":"$(base64 -w0 "$work/photo.jpg")"}}}
JSON
printf '$ curl -X PUT %s -d @photo.json\n' "/sync/$MEDIA/photo:$PHOTO"
curl -sS -X PUT -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d @"$work/photo.json" "$BASE/sync/$MEDIA/photo:$PHOTO"
receipt 2

say "The notice is closed by what was seen on site; what keeps the breaker open is now something else"
sign_in manager1
call GET "/api/v1/cases/$CASE/notices/$N"
pick '"notice %s: %s in round %s, closed by %s" % (d["n"], d["state"], d["round"], d["closed_by"])' < "$work/answer"
call POST "/api/v1/cases/$CASE/energization/authorize" '{}'
pick '"%s %s\n%s" % (d["status"], d["code"], "\n".join("  %-4s %s: %s" % (g["code"], g["id"], ", ".join(r["code"] for r in g["reasons"])) for g in d["params"]["gates"]))' < "$work/answer"
call GET "/api/v1/cases/$CASE/log"
pick '"log: %s entries, hash chain verified: %s" % (len(d["items"]), d["verified"])' < "$work/answer"

say "The month to come was balanced when the server started: one work has no day, and why"
sign_in scheduler1
call GET "/api/v1/plans"
PLAN=$(pick 'd["items"][0]["id"]' < "$work/answer")
for _ in $(seq 100); do # a worker that has just begun may still be at it
  curl -sS -H "Authorization: Bearer $TOKEN" -H 'Accept-Language: en' "$BASE/api/v1/plans/$PLAN" > "$work/answer"
  if grep -q '"state": *"made"' "$work/answer"; then break; fi
  sleep 0.3
done
printf '$ curl /api/v1/plans/%s\n' "$PLAN"
pick '"plan: {placed} works in {outages} outages, {unplaced} left out, {customer_hours:.0f} customer-hours, {status}".format(**d["summary"])' < "$work/answer"
pick '"\n".join(s for r in d["reasons"][:1] for s in r["text"]["en"][:2] + r["text"]["en"][-2:])' < "$work/answer"
curl -sS -H "Authorization: Bearer $TOKEN" -H 'Accept-Language: en' "$BASE/api/v1/plans/$PLAN/picture.svg" > "$work/month.svg"
printf '$ curl /api/v1/plans/%s/picture.svg\n%s\n' "$PLAN" "$(grep -c 'rx="2".*<title>' "$work/month.svg") works drawn"
