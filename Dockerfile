FROM python:3.11-slim

WORKDIR /bridge
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY app app
COPY migrations migrations
COPY config config
COPY wsgi.py .

# The embedded database lives in /bridge/var: mount a volume there, or set BRIDGE_DATABASE_URL.
RUN useradd --system --home /bridge bridge && mkdir var && chown bridge var
USER bridge
VOLUME /bridge/var
EXPOSE 8080
CMD ["python", "-m", "app", "serve", "--host", "0.0.0.0"]
