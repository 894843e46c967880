"""Google's gRPC server (grpcio) with its health service: shop.Cart serves, shop.Basket does not.

Arguments: a port without TLS, a port with TLS, and for that a chain and a key (PEM).
"""

import sys
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

plain, secure, chain, key = sys.argv[1:]
server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
service = health.HealthServicer()
service.set("shop.Cart", health_pb2.HealthCheckResponse.SERVING)
service.set("shop.Basket", health_pb2.HealthCheckResponse.NOT_SERVING)
health_pb2_grpc.add_HealthServicer_to_server(service, server)
with open(chain, "rb") as chain, open(key, "rb") as key:
    credentials = grpc.ssl_server_credentials([(key.read(), chain.read())])
server.add_insecure_port(f"127.0.0.1:{plain}")
server.add_secure_port(f"127.0.0.1:{secure}", credentials)
server.start()
server.wait_for_termination()
