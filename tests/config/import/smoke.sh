#!/usr/bin/env bash
# Smoke test after a deploy.
set -euo pipefail
BASE=https://shop.example.com
API_TOKEN=$(cat /run/token)

curl -fsS --max-time 5 "$BASE/healthz" > /dev/null
status=$(curl -s -o /dev/null -w '%{http_code}' "$BASE/login")
curl -sSfL -X POST "$BASE/api/orders?api_key=0a1b2c3d4e5f" \
  -H 'Content-Type: application/json' \
  -H "Authorization: Bearer $API_TOKEN" \
  --data '{"sku": "A-1", "count": 2, "password": "hunter22"}' \
  --retry 3 --retry-delay 2 | jq .
curl -u probe:s3cret-word http://admin.example.com:8080/status --resolve admin.example.com:8080:192.0.2.7
curl -k -4 example.net
curl -d @- https://hooks.example.com/services/T01234567/B01234567/aB3dE5fG7hI9jK1lM3nO5pQ7 <<JSON
{"text": "hi"}
JSON
curl --data-urlencode 'q=a b&c' -G https://search.example.com/ -x http://me:pw123456@proxy.example:3128 --tls-max 1.2
curl 'https://example.com/{a,b}'
