"""The one address of this peer, behind the permission class of djangorestframework-api-key."""

import json
from pathlib import Path

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_api_key.permissions import HasAPIKey, KeyParser

ANSWER = json.loads(Path("answer.json").read_text())


class BearerParser(KeyParser):
    keyword = "Bearer"


class HasBearerKey(HasAPIKey):
    key_parser = BearerParser()


class KeyView(APIView):
    permission_classes = [HasBearerKey]

    def get(self, request: Request) -> Response:
        return Response(ANSWER)


urlpatterns = [path(Path("path").read_text().lstrip("/"), KeyView.as_view())]
