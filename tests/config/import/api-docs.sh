# A payment service takes its key as the user of basic authentication.
curl https://api.pay.example/v1/charges \
  -u "sk_probe_1a2B3c4D5e6F7g8H:" \
  -d amount=2000 \
  -d currency=usd \
  -d "description=A probe"

# A code host.
curl -L \
  -H "Accept: application/vnd.code.example+json" \
  -H "Authorization: Bearer <YOUR-TOKEN>" \
  -H "X-Api-Version: 2022-11-28" \
  https://api.code.example/repos/OWNER/REPO/issues?state=open

# Messages, form fields and a pair of variables.
curl -X POST "https://api.text.example/2010-04-01/Accounts/$ACCOUNT_SID/Messages.json" \
--data-urlencode "Body=Hi there & all" \
--data-urlencode "To=+15005550006" \
-u $ACCOUNT_SID:$AUTH_TOKEN

# A language model.
curl https://api.model.example/v1/chat/completions \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $MODEL_API_KEY" \
  -d '{
     "model": "small",
     "messages": [{"role": "user", "content": "Say this is a test!"}],
     "temperature": 0.7
   }'

# A webhook of a chat, and a bot: their keys stand in the path.
curl -X POST -H 'Content-type: application/json' --data '{"text":"Hello, World!"}' https://hooks.chat.example/services/T00000000/B00000000/aB3dE5fG7hI9jK1lM3nO5pQ7
curl -s https://api.bot.example/bot110201:aB3dE5fG7hI9-jK1lM3nO5pQ7_rS9/getMe

# A content network, with the placeholder that its generator leaves.
curl --request GET \
  --url https://api.cdn.example/client/v4/accounts/{account_id}/tokens/verify \
  --header 'Authorization: Bearer undefined'

# Signed requests, digests, and a name of the interface to send from.
curl --aws-sigv4 "aws:amz:us-east-2:es" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" https://search.cloud.example/_cluster/health
curl --digest -u probe:d1gest-w0rd --interface eth1 "https://camera.example/state"

# A daemon behind a socket, through a pipe; and the old spelling with one slash.
curl -s --unix-socket /var/run/docker.sock http://localhost/v1.41/containers/json?all=true | jq .
curl --unix-socket /run/docker.sock http:/v1.24/info

# A cluster from within a pod.
APISERVER=https://kubernetes.default.svc
SERVICEACCOUNT=/nowhere/serviceaccount
TOKEN=$(cat ${SERVICEACCOUNT}/token)
CACERT=${SERVICEACCOUNT}/ca.crt
curl --cacert ${CACERT} --header "Authorization: Bearer ${TOKEN}" -X GET ${APISERVER}/api

# A search engine: no scheme, options glued to their values, a body over several lines.
curl -XPOST "localhost:9200/my-index/_search?pretty" -H 'Content-Type: application/json' -d'
{
  "query": { "match_all": {} }
}
'

# A health check as it stands in a Dockerfile, in a compose file and in a pipeline.
HEALTHCHECK CMD curl -f http://localhost:8080/health || exit 1
curl -fsS -o /dev/null -w "%{http_code}" --connect-timeout 5 --max-time 10 --retry 5 --retry-delay 0 --retry-all-errors https://shop.example/health
