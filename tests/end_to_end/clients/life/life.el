;; -*- lexical-binding: t; coding: utf-8 -*-
;; The life with soap-client.el, on one flat copy of the WSDL of each service. Arguments: folder of the copy,
;; address, tag. The values of the header stand among those of the body, which is how this toolkit takes them.
(require 'soap-client)
(require 'cl-lib)
(setq command-line-args-left (cdr command-line-args-left)) ; the `--'
(defvar folder (pop command-line-args-left))
(defvar address (pop command-line-args-left))
(defvar tag (pop command-line-args-left))
(defvar line nil)
(defvar first nil)
(defvar second nil)
(setq soap-debug nil locale-coding-system 'utf-8)
(push '("xsi" . "http://www.w3.org/2001/XMLSchema-instance") soap-local-xmlns) ; an answer need not declare it
(when (getenv "SHIM_CA")
  (setq gnutls-trustfiles (list (getenv "SHIM_CA")) gnutls-verify-error t))

(defun text (bytes) (decode-coding-string (format "%s" bytes) 'utf-8))
(defun say (mark name said)
  (princ (format "%s%s%s\n" name mark (replace-regexp-in-string "[ \n]+" " " (format "%s" said)))))
(defmacro step (name &rest made)
  `(condition-case problem (say "=" ,name (progn ,@made)) (error (say "!" ,name problem))))

(defvar services nil)
(defun service (name)
  (or (cdr (assoc name services))
      (let* ((inhibit-message t)
             (made (soap-load-wsdl (expand-file-name (concat name ".wsdl") folder))))
        (dolist (port (soap-wsdl-ports made))
          (setf (soap-port-service-url port) (concat address "/soap2/" (downcase name) "_agent.php")))
        (push (cons name made) services)
        made)))

(defun call (user operation fields &optional password)
  (let* ((names (split-string operation "[.]"))
         (wsdl (service (car names)))
         (port (soap-element-name (car (soap-wsdl-ports wsdl))))
         (login `((username . ,user) (password . ,(or password (concat user "-secret")))))
         (inhibit-message t))
    (car (soap-invoke wsdl port (cadr names) `((headerPart . ,login) ,@fields)))))

(defun of (answer &rest names)
  (dolist (name names answer) (setq answer (cdr (assq name answer)))))
(defun all (answer name) (mapcar #'cdr (cl-remove-if-not (lambda (each) (eq (car-safe each) name)) answer)))
(defun logins (answer) (mapconcat (lambda (each) (text (of each 'login))) (all answer 'client) ","))
(defun profile (login)
  `((name . "Cleo Client") (company . "Cleo Ltd") (login . ,login) (password . "Pass-2025") (country . "us")))
(defun fault (made)
  (condition-case problem (progn (funcall made) "no fault") (soap-error (text (nth 2 problem)))))

(step "loads" (if (service "Extension") "yes" "no"))
(step "lists" (logins (call "admin" "Client.GetClients" '((parentID . 10)))))
(step "empty" (logins (call "acme" "Client.GetClients" nil)))
(step "adds"
  (let ((answer (call "northwind" "Extension.AddExtension"
                      `((name . "Zoë Łukasz") (company . "Söhne & Co <1>") (login . ,tag)
                        (password . "Pass-2025") (country . "us") (parentID . 20)))))
    (setq line (of answer 'ID))
    (of answer 'result)))
(step "edits"
  (call "northwind" "Extension.EditExtension" `((name . "Žofie Ångström") (ID . ,line)))
  (let ((told (call "northwind" "Extension.GetExtensionDetails" `((ID . ,line)))))
    (format "%s|%s" (text (of told 'name)) (text (of told 'company)))))
(step "number"
  (let ((free (of (call "northwind" "Channel.GetPublicNoPoll" '((userID . 20))) 'publicNo 'available 'ID)))
    (call "northwind" "Channel.AssignPublicNo" `((didID . ,free) (userID . ,line)))
    (let* ((poll (call "northwind" "Channel.GetPublicNoPoll" `((userID . ,line))))
           (gone (call "northwind" "Extension.DelExtension" `((ID . ,line)))))
      (format "%s %s" (of poll 'publicNo 'assigned 'externalNo) (of gone 'items)))))
(step "limits"
  (setq first (of (call "acme" "Client.AddClient" (profile (concat tag "-first"))) 'ID))
  (setq second (of (call "acme" "Client.AddClient" (profile (concat tag "-second"))) 'ID))
  (call "acme" "Client.SetClientPL"
        `((phoneExtMax (unlimited . "true") 0) (queueExtMax (unlimited . "false") 3) (ID . ,first)))
  (let ((found (of (call "acme" "Client.GetClientPL" `((ID . ,first))) 'userPL)))
    (format "%s %s" (of found 'phoneExtMax 'unlimited) (cdr (last (of found 'queueExtMax))))))
(step "deletes" (of (call "acme" "Client.DelClient" `((ID . ,first) (ID . ,second))) 'items))
(step "fault" (fault (lambda () (call "acme" "Client.AddClient" (profile "northwind")))))
(step "password" (fault (lambda () (call "acme" "Client.GetClients" nil "not-it"))))
